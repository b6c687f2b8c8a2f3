/** The agents behind this server. */
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { CircleCheck, TriangleAlert } from 'lucide-react';
import { every } from '../../api/client.ts';
import { type AgentRow, agentsQuery } from '../../api/server.ts';
import { Empty, Failure, Loading } from '../../components/notices.tsx';
import { StateIcon } from '../../components/state.tsx';
import { formatCount, plural } from '../../lib/format.ts';
import { STATES, slugOf, TASK_STATES } from '../../lib/states.ts';
import { Page } from '../page.tsx';

/** How many tasks they have is read again so often. */
const COUNTS_MS = 10_000;

export function AgentsPage() {
  const { data, error, refetch } = useQuery({ ...agentsQuery, refetchInterval: every(COUNTS_MS) });
  return (
    <Page title="Agents" lead={data === undefined ? '' : plural(data.agents.length, 'agent')}>
      {data === undefined && error !== null && (
        <Failure what="Reading the agents" error={error} onRetry={() => void refetch()} />
      )}
      {data === undefined && error === null && <Loading />}
      {data?.agents.length === 0 && <Empty title="No agents">The key that you are signed in with may use none.</Empty>}
      <ul className="border-t border-line">
        {data?.agents.map((agent) => (
          <Agent key={agent.id} agent={agent} />
        ))}
      </ul>
    </Page>
  );
}

function Agent({ agent }: { agent: AgentRow }) {
  const { id, name, description, version, isDefault, counts, problems } = agent;
  const present = TASK_STATES.filter((state) => (counts[state] ?? 0) > 0);
  return (
    <li className="relative grid gap-1 border-b border-line py-3 hover:bg-hover @2xl:-mx-3 @2xl:px-3">
      <div className="flex flex-wrap items-baseline gap-x-2.5">
        <h2 className="text-base font-semibold">
          <Link to="/agents/$agentId" params={{ agentId: id }} className="after:absolute after:inset-0">
            {name}
          </Link>
        </h2>
        <span className="font-mono text-xs text-quiet">
          {id} · {version}
          {isDefault && ' · default'}
        </span>
        <span className="ml-auto">
          <Checks {...problems} />
        </span>
      </div>
      <p className="max-w-2xl text-quiet">{description}</p>
      <div className="flex flex-wrap gap-x-4 gap-y-1">
        {present.map((state) => (
          <Link
            key={state}
            to="/tasks"
            search={{ agent: id, state: slugOf(state) }}
            className="relative z-10 inline-flex items-center gap-1.5 text-quiet hover:text-ink hover:underline"
          >
            <StateIcon state={state} />
            {formatCount(counts[state] ?? 0)} {STATES[state].word}
          </Link>
        ))}
        {present.length === 0 && <span className="text-quiet">No tasks yet</span>}
      </div>
    </li>
  );
}

export function Checks({ errors, warnings }: { errors: number; warnings: number }) {
  if (errors + warnings === 0) {
    return (
      <span className="inline-flex items-center gap-1.5 text-completed">
        <CircleCheck className="size-3.5" /> card is valid
      </span>
    );
  }
  const said = [errors > 0 ? plural(errors, 'error') : '', warnings > 0 ? plural(warnings, 'warning') : ''];
  return (
    <span className={`inline-flex items-center gap-1.5 ${errors > 0 ? 'text-failed' : 'text-input'}`}>
      <TriangleAlert className="size-3.5" /> {said.filter((text) => text !== '').join(', ')} in the card
    </span>
  );
}
