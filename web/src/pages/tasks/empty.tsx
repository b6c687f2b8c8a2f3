/** No tasks: because there are none yet, or because none fits. */
import { useMayWrite } from '../../api/session.ts';
import { Button } from '../../components/button.tsx';
import { Empty } from '../../components/notices.tsx';
import { curlOf } from '../../lib/curl.ts';
import { isNarrowed, NO_CONDITIONS, type TasksSearch } from '../../lib/task-search.ts';
import { sendDraft } from '../send/open.tsx';
import type { ChangeSearch } from './filters.tsx';

export function NoTasks({ search, change }: { search: TasksSearch; change: ChangeSearch }) {
  const mayWrite = useMayWrite();
  if (isNarrowed(search)) {
    return (
      <Empty title="No task fits">
        <p className="mb-2">Fewer conditions find more.</p>
        <Button onClick={() => change(NO_CONDITIONS)}>Clear all conditions</Button>
      </Empty>
    );
  }
  if (!mayWrite) {
    return (
      <Empty title="No tasks yet">
        Each message that an agent gets becomes a task and is seen here as it happens. The key that you are signed in
        with may only look: it has no scope <code className="font-mono">tasks:write</code>.
      </Empty>
    );
  }
  return (
    <Empty
      title="No tasks yet"
      command={curlOf({ url: `${location.origin}/a2a`, parts: [{ text: 'hello' }], version: '1.0' })}
    >
      <p className="mb-2">
        Each message that an agent gets becomes a task and is seen here as it happens. Send one from here, or with this
        command (KEY is the admin key or an API key):
      </p>
      <Button look="primary" onClick={() => sendDraft.set({})}>
        Send a message
      </Button>
    </Empty>
  );
}
