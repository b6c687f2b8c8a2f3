/** One agent: its card as people read it, what the checks say of it, and how to talk to it. */
import { useQuery } from '@tanstack/react-query';
import { Link, useParams } from '@tanstack/react-router';
import { CircleCheck, Send, TriangleAlert } from 'lucide-react';
import { type ReactNode, useMemo, useState } from 'react';
import { type AgentDetail, agentQuery, type CardCheck } from '../../api/server.ts';
import { useMayWrite } from '../../api/session.ts';
import { Button } from '../../components/button.tsx';
import { Code } from '../../components/code.tsx';
import { CopyButton } from '../../components/copy.tsx';
import { Segments } from '../../components/field.tsx';
import { Command, Failure, Loading } from '../../components/notices.tsx';
import { curlOf } from '../../lib/curl.ts';
import { sdkSnippet } from '../../lib/snippets.ts';
import { AgentCaptures } from '../captures/agent-captures.tsx';
import { Page, Section } from '../page.tsx';
import { sendDraft } from '../send/open.tsx';
import { Checks } from './page.tsx';

export function AgentPage() {
  const { agentId } = useParams({ from: '/agents/$agentId' });
  const { data, error, refetch } = useQuery(agentQuery(agentId));
  if (data !== undefined) return <Agent agent={data} />;
  return (
    <Page title={agentId}>
      {error === null ? <Loading /> : <Failure what="Reading the agent" error={error} onRetry={() => void refetch()} />}
    </Page>
  );
}

function Agent({ agent }: { agent: AgentDetail }) {
  const { card, checks, problems } = agent;
  const mayWrite = useMayWrite();
  return (
    <Page
      title={agent.name}
      actions={
        <span className="flex gap-2">
          <Link
            to="/tasks"
            search={{ agent: agent.id }}
            className="inline-flex h-7 items-center rounded-md border border-line px-2.5 font-medium hover:bg-hover"
          >
            Its tasks
          </Link>
          {mayWrite && (
            <Button look="primary" onClick={() => sendDraft.set({ agentId: agent.id })}>
              <Send className="size-3.5" />
              Try it
            </Button>
          )}
        </span>
      }
    >
      <div className="grid gap-8">
        <p className="max-w-3xl text-base text-quiet">{agent.description}</p>
        <dl className="grid gap-y-1.5 @xl:grid-cols-[9rem_minmax(0,1fr)]">
          <Fact name="Address">
            <Copyable text={agent.url} label="address" />
          </Fact>
          <Fact name="Card">
            <Copyable text={agent.cardUrl} label="address of the card" />
          </Fact>
          <Fact name="Version">{agent.version}</Fact>
          <Fact name="Capabilities">
            {Object.entries(card.capabilities)
              .filter(([, value]) => value === true)
              .map(([name]) => name)
              .join(', ') || 'none declared'}
          </Fact>
          <Fact name="Takes">{card.defaultInputModes.join(', ')}</Fact>
          <Fact name="Gives">{card.defaultOutputModes.join(', ')}</Fact>
          <Fact name="Interfaces">
            <ul>
              {card.supportedInterfaces.map(({ url, protocolBinding, protocolVersion }) => (
                <li key={`${url} ${protocolBinding} ${protocolVersion}`} className="break-all">
                  {protocolBinding} {protocolVersion} <span className="font-mono text-xs text-quiet">{url}</span>
                </li>
              ))}
            </ul>
          </Fact>
        </dl>
        <Section title="Skills">
          <ul className="border-t border-line">
            {card.skills.map(({ id, name, description, tags, examples }) => (
              <li key={id} className="grid gap-0.5 border-b border-line py-2.5">
                <p>
                  <span className="font-medium">{name}</span>{' '}
                  <span className="font-mono text-xs text-quiet">
                    {id} · {tags.join(', ')}
                  </span>
                </p>
                <p className="text-quiet">{description}</p>
                <p className="flex flex-wrap gap-1.5">
                  {examples?.map((example) => (
                    <button
                      key={example}
                      type="button"
                      aria-label={`Try: ${example}`}
                      disabled={!mayWrite}
                      {...(!mayWrite && { title: 'The key that you are signed in with has no scope tasks:write' })}
                      onClick={() => sendDraft.set({ agentId: agent.id, parts: [{ text: example }] })}
                      className="max-w-full truncate rounded-sm border border-line px-1.5 font-mono text-xs enabled:hover:bg-hover"
                    >
                      {example}
                    </button>
                  ))}
                </p>
              </li>
            ))}
          </ul>
        </Section>
        <Section title="Checks of the card" aside={<Checks {...problems} />}>
          <ul>
            {checks.map((check) => (
              <Check key={`${check.id} ${check.path}`} check={check} />
            ))}
          </ul>
        </Section>
        <Talk agent={agent} />
        <AgentCaptures agentId={agent.id} />
        <Section title="Card, A2A 1.0">
          <Code text={JSON.stringify(card, null, 2)} label="card as JSON" className="max-h-[32rem]" />
        </Section>
      </div>
    </Page>
  );
}

function Check({ check: { level, path, message } }: { check: CardCheck }) {
  const isGood = level === 'ok';
  const Icon = isGood ? CircleCheck : TriangleAlert;
  const color = isGood ? 'text-completed' : level === 'error' ? 'text-failed' : 'text-input';
  return (
    <li className="flex items-start gap-2 py-0.5">
      <Icon aria-label={level} className={`mt-0.5 size-3.5 shrink-0 ${color}`} />
      <span>
        {message} {path !== '' && <code className="font-mono text-xs text-quiet">{path}</code>}
      </span>
    </li>
  );
}

type Way = 'curl' | 'curl-stream' | 'curl-old' | 'sdk';

function Talk({ agent }: { agent: AgentDetail }) {
  const [way, setWay] = useState<Way>('curl');
  const text = agent.card.skills[0]?.examples?.[0] ?? 'hello';
  const command = useMemo(() => {
    if (way === 'sdk') return sdkSnippet(agent.cardUrl, text);
    const version = way === 'curl-old' ? '0.3' : '1.0';
    return curlOf({ url: agent.url, parts: [{ text }], version, isStreaming: way === 'curl-stream' });
  }, [way, agent, text]);
  return (
    <Section
      title="Talk to it"
      aside={
        <Segments<Way>
          label="Way"
          value={way}
          choices={[
            ['curl', 'curl'],
            ['curl-stream', 'Streaming'],
            ['curl-old', 'A2A 0.3'],
            ['sdk', 'JavaScript'],
          ]}
          onChange={setWay}
        />
      }
    >
      <Command text={command} />
      <p className="mt-1 text-xs text-quiet">
        <code className="font-mono">KEY</code> is the admin key or an API key, in the environment.
      </p>
    </Section>
  );
}

function Fact({ name, children }: { name: string; children: ReactNode }) {
  return (
    <div className="contents">
      <dt className="text-quiet">{name}</dt>
      <dd className="min-w-0 break-words">{children}</dd>
    </div>
  );
}

function Copyable({ text, label }: { text: string; label: string }) {
  return (
    <span className="inline-flex max-w-full items-center gap-1">
      <span className="font-mono text-xs break-all">{text}</span>
      <CopyButton text={text} label={label} />
    </span>
  );
}
