/** The suite's own reading of 0.3 and of protobuf: what it makes of them is what 1.0 says. */
import { expect, test } from 'vitest';
import { fromProtobuf, fromV03, taskFromV03 } from './translation.ts';

const V1 = {
  statusUpdate: {
    taskId: 't1',
    contextId: 'c1',
    status: {
      state: 'TASK_STATE_INPUT_REQUIRED',
      message: { messageId: 'm1', role: 'ROLE_AGENT', parts: [{ text: 'Which city?' }] },
      timestamp: '2026-01-02T03:04:05.678Z',
    },
    metadata: { kind: 'kept', state: 'kept', n: 1 },
  },
};

test('[O18] an event of JSON-RPC 0.3', () => {
  const message = {
    kind: 'message',
    messageId: 'm1',
    role: 'agent',
    parts: [{ kind: 'text', text: 'Which city?' }],
  };
  const { metadata, taskId, contextId } = V1.statusUpdate;
  const status = { state: 'input-required', message, timestamp: V1.statusUpdate.status.timestamp };
  expect(fromV03({ kind: 'status-update', taskId, contextId, status, final: true, metadata })).toEqual(V1);
});

test('[O18] an event of REST 0.3, and of gRPC in both versions', () => {
  const { status, metadata, ...rest } = V1.statusUpdate;
  const { parts, ...message } = status.message;
  const old = { ...message, content: parts };
  expect(fromV03({ statusUpdate: { ...rest, status: { ...status, message: old }, final: true, metadata } })).toEqual(
    V1,
  );
  const struct = {
    fields: { kind: { stringValue: 'kept' }, state: { stringValue: 'kept' }, n: { numberValue: 1 } },
  };
  const timestamp = { seconds: '1767323045', nanos: 678_000_000 };
  expect(fromProtobuf({ statusUpdate: { ...rest, status: { ...status, timestamp }, metadata: struct } })).toEqual(V1);
  const { state } = status;
  const oldStatus = { state, update: old, timestamp };
  expect(fromV03(fromProtobuf({ statusUpdate: { ...rest, status: oldStatus, metadata: struct } }))).toEqual(V1);
});

test('[O18] a Task of 0.3, canceled, without a context', () => {
  const task = { id: 't1', status: { state: 'TASK_STATE_CANCELED' } };
  expect(taskFromV03({ kind: 'task', contextId: '', ...task, status: { state: 'canceled' } })).toEqual(task);
  expect(taskFromV03({ ...task, status: { state: 'TASK_STATE_CANCELLED' } })).toEqual(task);
  expect(fromV03({ kind: 'task', ...task, status: { state: 'canceled' } })).toEqual({ task });
});
