/**
 * Engines that are broken on purpose, one promise each: the checker must find what each of them breaks. An edit replaces a
 * text that is in its file exactly once; where the program has changed so that it is not, the build of it fails and says so.
 */
import type { FindingName } from '../checker/findings.ts';
import type { FaultName } from '../faults/faults.ts';

export interface Edit {
  /** Below src/. */
  readonly file: string;
  readonly find: string;
  readonly replace: string;
}

export interface BrokenEngine {
  readonly name: string;
  /** What it does not keep. */
  readonly breaks: string;
  readonly edits: readonly Edit[];
  /** Under these it shows; none: without any. */
  readonly faults: readonly FaultName[];
  /** One of these must be found. */
  readonly shows: readonly FindingName[];
}

export const BROKEN_ENGINES: readonly BrokenEngine[] = [
  {
    name: 'no-deduplication',
    breaks: 'a repeated send joins the first',
    edits: [
      {
        file: 'core/tasks/submissions.ts',
        find: 'deduplicationOf(scope, message, text, idempotencyKey, clock.now(), this.#windows)',
        replace: '(deduplicationOf(scope, message, text, idempotencyKey, clock.now(), this.#windows), null)',
      },
    ],
    faults: ['kill -9'],
    shows: ['key-used-twice'],
  },
  {
    name: 'no-fencing',
    breaks: 'whoever has lost its lease writes nothing more',
    edits: [
      {
        file: 'storage/postgres/task-commit.ts',
        find: `t.id = any(array[w.id]) and t.seq = any(array[w.before_seq])
    and t.lease_epoch = any(array[w.before_epoch])`,
        replace: 't.id = any(array[w.id])',
      },
      {
        // The key of a row of the log is another guard: two writers of one event.
        file: 'storage/postgres/task-commit.ts',
        find: 'r.user_message, r.body\n  from json_to_recordset($2) as r(${ROW_FIELDS}) join written on written.id = r.task_id)',
        replace:
          'r.user_message, r.body\n  from json_to_recordset($2) as r(${ROW_FIELDS}) join written on written.id = r.task_id\n  on conflict (id) do update set body = excluded.body)',
      },
      {
        // And so is word of the others, by the database or the bus.
        file: 'core/tasks/run.ts',
        find: '    if (this.#hasEnded) return;\n    this.#host.metrics.leaseLost',
        replace: '    if (this.#hasEnded || this.taskId !== "") return;\n    this.#host.metrics.leaseLost',
      },
    ],
    faults: ['SIGSTOP longer than the lease'],
    shows: ['ran-twice', 'event-differs', 'after-the-end', 'head-differs'],
  },
  {
    name: 'publish-before-commit',
    breaks: 'nobody is told of an event before it is stored',
    edits: [
      {
        file: 'core/tasks/run.ts',
        find: '    this.#discard = null;\n    this.#dedup = null;',
        replace:
          '    if (before !== null && rows.length > 0) this.#host.committed(this, rows);\n    this.#discard = null;\n    this.#dedup = null;',
      },
      {
        file: 'core/tasks/run.ts',
        find: 'if (rows.length > 0) this.#host.committed(this, rows);',
        replace: 'if (isFirst && rows.length > 0) this.#host.committed(this, rows);',
      },
    ],
    // The commits under way fail.
    faults: ['database restart, immediate'],
    shows: ['event-lost', 'event-differs'],
  },
  {
    name: 'gap-in-streams',
    breaks: 'a stream goes on with the next event',
    edits: [
      {
        file: 'core/tasks/subscription.ts',
        find: 'this.#position = afterSeq;',
        replace: 'this.#position = afterSeq > 2 ? afterSeq + 1 : afterSeq;',
      },
    ],
    faults: [],
    shows: ['stream-broken'],
  },
  {
    name: 'no-deliveries',
    breaks: 'every event is delivered to the receivers of its task',
    edits: [
      {
        file: 'storage/postgres/task-commit.ts',
        find: 'lateral generate_series(before_seq + 1, seq) as event)',
        replace: 'lateral generate_series(before_seq + 1, seq) as event where event % 5 <> 0)',
      },
    ],
    faults: [],
    shows: ['push-lost', 'push-out-of-order'],
  },
  {
    name: 'lost-counts',
    breaks: 'the number of tasks is exact',
    edits: [
      {
        file: 'storage/postgres/task-commit.ts',
        find: 'having sum(c.delta) <> 0',
        replace: 'having sum(c.delta) > 0',
      },
    ],
    faults: [],
    shows: ['counters-differ'],
  },
  {
    name: 'no-takeover',
    breaks: 'a task of a replica that died goes on at another',
    edits: [
      {
        file: 'core/tasks/recovery.ts',
        find: 'const { before, claimed, cause, isReleased } = taken;',
        replace: "const { before, claimed, cause, isReleased } = taken;\n    if (cause !== '') return;",
      },
    ],
    faults: ['kill -9'],
    shows: ['stuck'],
  },
  {
    name: 'no-owners',
    breaks: 'the task of another is not found',
    edits: [
      {
        file: 'storage/postgres/task-store.ts',
        find: 'from tasks where id = $1 and owner_id = $2 and agent_id = $3`;',
        replace: "from tasks where id = $1 and $2 <> '' and agent_id = $3`;",
      },
    ],
    faults: [],
    shows: ['foreign-task'],
  },
];
