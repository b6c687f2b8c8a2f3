/** Where a person answers a task that waits for one. */
import { useState } from 'react';
import { useMayWrite } from '../../api/session.ts';
import { continueTask } from '../../api/tasks.ts';
import { Button } from '../../components/button.tsx';
import { TextArea } from '../../components/field.tsx';
import { Keys } from '../../components/keys.tsx';
import { explain } from '../../components/notices.tsx';
import { useAction } from '../../components/use-action.ts';
import { useMessageId } from '../../lib/message-id.ts';
import { STATES, type TaskState } from '../../lib/states.ts';

/** Kept by the page: what is typed, and what is under way, survive a look at another view of the task. */
export function useReply(taskId: string) {
  const [text, setText] = useState('');
  const messageId = useMessageId();
  const { act, isPending, error } = useAction({
    run: (said: string) =>
      continueTask(taskId, { message: { messageId: messageId.of(said), parts: [{ text: said }] }, mode: 'immediate' }),
    onDone: (_, said) => {
      messageId.sent(said);
      // What was typed since then stays.
      setText((now) => (now === said ? '' : now));
    },
    retry: 1,
  });
  return { text, setText, act, isPending, error };
}

interface Props {
  readonly state: TaskState;
  readonly reply: ReturnType<typeof useReply>;
}

export function Reply({ state, reply }: Props) {
  const { text, setText, act, isPending, error } = reply;
  const mayWrite = useMayWrite();
  if (!STATES[state].waitsForPerson) return null;
  if (!mayWrite) {
    return (
      <p className="border-t border-line px-3 py-3 text-quiet md:px-5">
        <span className={`font-medium ${STATES[state].color}`}>The agent waits for an answer.</span> The key that you
        are signed in with cannot give one: it has no scope <code className="font-mono">tasks:write</code>.
      </p>
    );
  }
  const waits =
    state === 'TASK_STATE_AUTH_REQUIRED' ? 'The agent waits for an authorization' : 'The agent waits for your answer';
  const send = () => text.trim() !== '' && act(text);
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
          {waits}
        </label>
        <TextArea
          id="answer"
          rows={2}
          value={text}
          onChange={({ target }) => setText(target.value)}
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
