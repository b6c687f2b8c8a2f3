/** Where a person answers a task that waits for one. */
import { useMutation } from '@tanstack/react-query';
import { useState } from 'react';
import { continueTask } from '../../api/tasks.ts';
import { Button } from '../../components/button.tsx';
import { TextArea } from '../../components/field.tsx';
import { Keys } from '../../components/keys.tsx';
import { explain } from '../../components/notices.tsx';
import { newId } from '../../lib/ids.ts';
import { STATES, type TaskState } from '../../lib/states.ts';

export function Reply({ taskId, state }: { taskId: string; state: TaskState }) {
  const [text, setText] = useState('');
  const { mutate, isPending, error } = useMutation({
    // One id for one answer: sent again after a broken connection, it is the same answer.
    mutationFn: (messageId: string) =>
      continueTask(taskId, { message: { messageId, parts: [{ text }] }, mode: 'immediate' }),
    onSuccess: () => setText(''),
    retry: 1,
  });
  if (!STATES[state].waitsForPerson) return null;
  const send = () => text.trim() !== '' && !isPending && mutate(newId());
  return (
    <form
      className="border-t border-line px-3 py-3 md:px-5"
      onSubmit={(event) => {
        event.preventDefault();
        send();
      }}
    >
      <div className="mx-auto grid max-w-3xl gap-2">
        <label htmlFor="answer" className={`font-medium ${STATES[state].color}`}>
          {state === 'TASK_STATE_AUTH_REQUIRED'
            ? 'The agent waits for an authorization'
            : 'The agent waits for your answer'}
        </label>
        <TextArea
          id="answer"
          rows={2}
          value={text}
          onChange={(event) => setText(event.target.value)}
          onKeyDown={(event) => {
            if (event.key !== 'Enter' || !(event.metaKey || event.ctrlKey)) return;
            event.preventDefault();
            send();
          }}
        />
        <div className="flex items-center gap-3">
          <Button look="primary" type="submit" disabled={isPending || text.trim() === ''}>
            {isPending ? 'Sending' : 'Answer'}
          </Button>
          <span className="hidden text-xs text-quiet md:inline">
            <Keys keys="mod+Enter" />
          </span>
          {error !== null && (
            <p role="alert" className="text-failed">
              {explain(error, 'Answering').detail}
            </p>
          )}
        </div>
      </div>
    </form>
  );
}
