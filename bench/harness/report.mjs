// Writes what a run found as Markdown: the machine, the verdict, the tables.
import fs from 'node:fs';
import path from 'node:path';

const cell = (value) => String(value ?? '').replaceAll('|', '\\|');
const line = (cells) => `| ${cells.map(cell).join(' | ')} |`;

export function markdownTable(head, rows) {
  return [line(head), `|${head.map(() => '---').join('|')}|`, ...rows.map(line)].join('\n');
}

/** The rows of judge() as a table and one sentence. */
export function verdictSection(rows) {
  const word = (met) => (met === true ? 'yes' : met === false ? '**no**' : met === null ? '' : 'not measured');
  const judged = rows.filter((row) => row.met !== null);
  const met = judged.filter((row) => row.met === true).length;
  const missed = judged.filter((row) => row.met === false).length;
  const table = markdownTable(
    ['target', 'limit', 'measured', 'met'],
    rows.map((row) => [row.target, row.limit, row.measured, word(row.met)]),
  );
  return `${table}\n\n${met} of ${judged.length} targets met, ${missed} missed, ${judged.length - met - missed} not measured.`;
}

/** Sections, each with its title, as one Markdown text. */
export function tablesSection(tables) {
  return tables.map(({ title, head, rows }) => `### ${title}\n\n${markdownTable(head, rows)}`).join('\n\n');
}

/**
 * Writes `file` (Markdown) and the raw records beside it (the same name with .jsonl). `machine` are name and value pairs,
 * `command` the arguments of the run, `verdict` the rows of judge().
 */
export function writeReport(file, { date, command, machine, verdict, tables, notes, records }) {
  const raw = file.replace(/\.md$/, '') + '.jsonl';
  const sections = [
    `# Benchmark of ${date}`,
    `\`node bench/run.mjs ${command}\`; medians of interleaved rounds. How to read the columns: [README](../README.md). ` +
      `Every single measurement: [${path.basename(raw)}](${path.basename(raw)}).`,
    '## Machine',
    markdownTable(['', ''], machine),
    '## Verdict',
    verdictSection(verdict),
    ...(notes.length > 0 ? ['## Notes', notes.map((note) => `* ${note}`).join('\n')] : []),
    '## Measurements',
    tablesSection(tables),
  ];
  fs.mkdirSync(path.dirname(path.resolve(file)), { recursive: true });
  fs.writeFileSync(file, `${sections.join('\n\n')}\n`);
  fs.writeFileSync(raw, records.map((record) => `${JSON.stringify(record)}\n`).join(''));
}
