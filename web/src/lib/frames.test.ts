import { describe, expect, it } from 'vitest';
import { gistOf } from './frames.ts';

const rpc = (result: object) => `id: 4\ndata: ${JSON.stringify({ jsonrpc: '2.0', id: 7, result })}`;
const ids = { taskId: 't-1', contextId: 'c-1' };

describe('[U1] the gist of a frame', () => {
  it('begins with what tells it from its neighbours', () => {
    expect(gistOf(rpc({ statusUpdate: { ...ids, status: { state: 'TASK_STATE_WORKING' } } }))).toBe(
      'statusUpdate TASK_STATE_WORKING',
    );
    const artifact = { artifactId: 'a-1', name: 'ticks', parts: [{ text: 'tick 1' }] };
    expect(gistOf(`data: ${JSON.stringify({ artifactUpdate: { ...ids, artifact } })}`)).toBe(
      'artifactUpdate ticks tick 1',
    );
    const message = { parts: [{ kind: 'text', text: 'Which city?' }] };
    expect(gistOf(rpc({ kind: 'status-update', ...ids, status: { state: 'input-required', message } }))).toBe(
      'status-update input-required Which city?',
    );
    expect(gistOf('{"jsonrpc":"2.0","id":1,"method":"tasks/get","params":{}}')).toBe('tasks/get');
  });

  it('is the text itself where it is nothing that is known', () => {
    expect(gistOf('data: not JSON')).toBe('not JSON');
    expect(gistOf('{"tasks":[]}')).toBe('{"tasks":[]}');
    expect(gistOf(`{"jsonrpc":"2.0","error":{"code":-32001}}`)).toBe('{"jsonrpc":"2.0","error":{"code":-32001}}');
  });
});
