/** Fields by their names in the proto definition. */
import { describe, expect, test } from 'vitest';
import { withJsonNames } from './original-names.ts';

describe('names of fields', () => {
  test('[A3] every request takes the names of the proto definition, at every level', () => {
    const sent = {
      tenant: 't',
      message: {
        message_id: 'm',
        task_id: 't',
        reference_task_ids: ['r'],
        parts: [{ text: 'a', media_type: 'text/plain' }],
      },
      configuration: {
        return_immediately: true,
        history_length: 1,
        accepted_output_modes: ['text/plain'],
        task_push_notification_config: { task_id: 't', url: 'http://a' },
      },
    };
    expect(withJsonNames(sent)).toEqual({
      tenant: 't',
      message: {
        messageId: 'm',
        taskId: 't',
        referenceTaskIds: ['r'],
        parts: [{ text: 'a', mediaType: 'text/plain' }],
      },
      configuration: {
        returnImmediately: true,
        historyLength: 1,
        acceptedOutputModes: ['text/plain'],
        taskPushNotificationConfig: { taskId: 't', url: 'http://a' },
      },
    });
  });

  test('nothing is copied where the names are the JSON names', () => {
    const sent = {
      message: { messageId: 'm', parts: [{ text: 'a', metadata: { task_id: 'mine' } }] },
      metadata: { page_size: 1 },
    };
    expect(withJsonNames(sent)).toBe(sent);
  });

  test('what belongs to the caller keeps its names', () => {
    const data = { task_id: 1, deep: [{ media_type: 2 }] };
    const sent = { message: { message_id: 'm', parts: [{ data, metadata: data }], metadata: data }, metadata: data };
    expect(withJsonNames(sent)).toEqual({
      message: { messageId: 'm', parts: [{ data, metadata: data }], metadata: data },
      metadata: data,
    });
  });

  test('of both names the JSON name counts, in either order', () => {
    expect(withJsonNames({ task_id: 'old', taskId: 'new' })).toEqual({ taskId: 'new' });
    expect(withJsonNames({ taskId: 'new', task_id: 'old' })).toEqual({ taskId: 'new' });
  });

  test.each([[null], ['text'], [1], [[{ task_id: 'a' }]], [{ __proto__: null }]])(
    '%j is taken as it comes',
    (value) => {
      expect(() => withJsonNames(value)).not.toThrow();
    },
  );
});
