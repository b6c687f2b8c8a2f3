/**
 * The judge of a run: compares what everybody was told with what is stored, when all is at rest. It knows the promises of
 * Parley and nothing of its program: what it uses are journals, the tables, and the wire.
 */
import type { JournalLine } from '../journal.ts';
import { checkAnswers } from './answers.ts';
import type { Finding, Report } from './findings.ts';
import { checkPushes } from './pushes.ts';
import { checkRuns } from './runs.ts';
import type { Stored } from './stored.ts';
import { checkStreams } from './streams.ts';
import { checkTables } from './tables.ts';

/** All findings, worst first come as they are found; none: every promise that can be seen here was kept. */
export function check(journal: readonly JournalLine[], stored: Stored): Finding[] {
  const findings: Finding[] = [];
  const report: Report = (name, taskId, text) => void findings.push({ name, taskId, text });
  checkTables(stored, report);
  checkAnswers(journal, stored, report);
  checkStreams(journal, stored, report);
  checkRuns(journal, stored, report);
  checkPushes(journal, stored, report);
  return findings;
}
