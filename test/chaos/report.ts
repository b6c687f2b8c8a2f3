/** A run in words: what was done to the replicas, what they did, and what was found. */
import { FINDINGS } from './checker/findings.ts';
import type { ChaosOptions, ChaosResult } from './run.ts';

const SHOWN_OF_EACH = 5;

function table(counts: ReadonlyMap<string, number>): string[] {
  return [...counts].sort(([a], [b]) => (a < b ? -1 : 1)).map(([name, count]) => `| ${name} | ${count} |`);
}

export function reportOf(options: ChaosOptions, result: ChaosResult): string {
  const { seed, seconds, replicas, bus } = options;
  const { findings, faults, operations, forms, lines, tasks, events, settledAfterMs } = result;
  const names = [...new Set(findings.map(({ name }) => name))];
  const byName = names.map((name) => [name, findings.filter((finding) => finding.name === name)] as const);
  const found = byName.flatMap(([name, all]) => [
    `- **${name}** (${all.length}): ${FINDINGS[name]}`,
    ...all.slice(0, SHOWN_OF_EACH).map(({ taskId, text }) => `  - ${taskId ?? '-'}: ${text}`),
  ]);
  return [
    `${replicas} replicas, ${seconds} s of faults, seed ${seed}, bus ${bus}.`,
    '',
    `${tasks} tasks with ${events} events are stored. At rest ${(settledAfterMs / 1000).toFixed(1)} s after the last fault.`,
    '',
    '| fault | times |',
    '|---|---|',
    ...table(faults),
    '',
    '| operation of a client, done | times |',
    '|---|---|',
    ...table(operations),
    '',
    '| answers and streams in | times |',
    '|---|---|',
    ...table(forms),
    '',
    '| line in the journals | number |',
    '|---|---|',
    ...table(lines),
    '',
    findings.length === 0 ? 'Findings: none.' : `Findings: ${findings.length}.`,
    ...found,
  ].join('\n');
}
