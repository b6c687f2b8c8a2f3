/** The tables as they are, by statements of the checker's own: nothing of what it judges is used to look. */

export interface StoredEvent {
  readonly seq: number;
  readonly body: string;
  /** Of an attempt that was given up: it was sent, and counts no more. */
  readonly isDiscarded: boolean;
  /** The accepted message of the user, as JSON, where the event is not it. */
  readonly userMessage: string | null;
}

export interface StoredTask {
  readonly id: string;
  readonly ownerId: string;
  readonly agentId: string;
  readonly state: string;
  readonly seq: number;
  readonly isListed: boolean;
  readonly events: readonly StoredEvent[];
}

export interface Stored {
  readonly tasks: ReadonlyMap<string, StoredTask>;
  /** By owner, agent and state, joined by spaces. */
  readonly counters: ReadonlyMap<string, number>;
  /** What the outbox still has to send, and has given up. */
  readonly outbox: { readonly pending: number; readonly dead: number };
}

export type Row = Readonly<Record<string, string | number | null>>;
export type Query = (sql: string) => Promise<readonly Row[]>;

/** `task_log.id` is `tasks.num * 2^20 + seq`. */
const SPAN = 2 ** 20;

export async function readStored(query: Query): Promise<Stored> {
  const heads = await query('select num, id, owner_id, agent_id, state, seq, listed from tasks');
  const rows = await query('select id, body, discarded, user_message from task_log order by id');
  const counters = await query('select owner_id, agent_id, state, sum(n) as n from task_counters group by 1, 2, 3');
  const configs = await query(
    'select coalesce(sum(pending), 0) as pending, coalesce(sum(dead), 0) as dead from push_configs',
  );
  const events = new Map<number, StoredEvent[]>();
  for (const row of rows) {
    const num = Math.floor(Number(row['id']) / SPAN);
    const seq = Number(row['id']) % SPAN;
    // 0: a message whose task has no event yet.
    if (seq === 0) continue;
    const userMessage = row['user_message'] ?? null;
    const event = {
      seq,
      body: String(row['body']),
      isDiscarded: Number(row['discarded']) === 1,
      userMessage: userMessage === null ? null : String(userMessage),
    };
    const known = events.get(num);
    if (known === undefined) events.set(num, [event]);
    else known.push(event);
  }
  const tasks = heads.map((head): StoredTask => {
    return {
      id: String(head['id']),
      ownerId: String(head['owner_id']),
      agentId: String(head['agent_id']),
      state: String(head['state']),
      seq: Number(head['seq']),
      isListed: Number(head['listed']) === 1,
      events: events.get(Number(head['num'])) ?? [],
    };
  });
  return {
    tasks: new Map(tasks.map((task) => [task.id, task])),
    counters: new Map(
      counters.map((row) => [`${row['owner_id']} ${row['agent_id']} ${row['state']}`, Number(row['n'])]),
    ),
    outbox: { pending: Number(configs[0]?.['pending'] ?? 0), dead: Number(configs[0]?.['dead'] ?? 0) },
  };
}
