/** What the checker can find, and how it says so. */

export const FINDINGS = {
  'task-lost': 'a task that was acknowledged is not stored',
  'event-lost': 'an event that a client got is not in the log',
  'event-differs': 'an event that a client got is another one in the log',
  'stream-broken': 'a stream had an event twice, left one out, or was out of order, over its reconnections',
  'stream-cut-short': 'a stream ended before the end of the turn',
  'stream-endless': 'a stream stayed open without the end of the turn, which had come long before',
  'log-gap': 'the numbers of the events in the log are not 1, 2, 3, ...',
  'key-used-twice': 'one message, sent again under its Idempotency-Key or its id, made two tasks or two turns',
  'after-the-end': 'something follows a terminal state',
  'head-differs': 'the state or number of events of a task is not that of its log',
  'counters-differ': 'the counters of tasks are not what a recount gives',
  'list-differs': 'a list at rest is not what is stored',
  'ran-twice': 'two processes ran one turn at once, or one that may run only once was run again',
  'content-wrong': 'a completed task does not hold exactly what its agent makes of the message',
  'push-lost': 'an event was not delivered to a receiver of its task',
  'push-out-of-order': 'the first deliveries of a task came out of order',
  'push-differs': 'a push is not the event of the log',
  'push-signature': 'the signature of a push is wrong',
  stuck: 'a task neither ended nor waits for anybody, though all faults are over',
  'cancel-lost': 'a cancel was acknowledged, and the task ended in another way',
  'stale-read': 'a read showed a state older than what had been told before',
  'foreign-task': 'an owner was shown a task of another',
  crashed: 'a replica ended by itself',
  'server-error': 'the server answered with a fault of its own that it did not foresee (500), or with what is not JSON',
  'wrongly-refused': 'the server refused what was right',
} as const satisfies Record<string, string>;

export type FindingName = keyof typeof FINDINGS;

export interface Finding {
  readonly name: FindingName;
  readonly taskId: string | null;
  /** The evidence, in one line. */
  readonly text: string;
}

export type Report = (name: FindingName, taskId: string | null, text: string) => void;
