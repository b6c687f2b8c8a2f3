/** Who sees what in an extended card. */
import { expect, test } from 'vitest';
import { agentOf, executorOf } from '../../../test/support/puppet.ts';
import { principalOf } from '../../../test/support/task-bench.ts';
import type { AgentCard } from '../../protocol/v1/types.ts';
import type { Call } from '../operations/call.ts';
import { CALLER_EXTENSION, ExtendedCards } from './extended-cards.ts';
import { type Agent, AgentRegistry } from './registry.ts';

async function* nothing(): AsyncGenerator<never> {}
const agents = ['a', 'b', 'c'].map((id) => agentOf(executorOf(nothing), id));
const [first] = agents;

const cardOf = (agent: Agent): AgentCard => ({
  ...agent.description,
  capabilities: { ...agent.description.capabilities, extendedAgentCard: true, extensions: [{ uri: 'urn:other' }] },
  supportedInterfaces: [{ url: `https://x.example/${agent.id}`, protocolBinding: 'JSONRPC', protocolVersion: '1.0' }],
});

function cardsOf(registered: readonly Agent[]): ExtendedCards {
  const registry = new AgentRegistry(registered, registered[0]?.id ?? '');
  return new ExtendedCards({
    agents: registry,
    cardOf,
    isConfigured: true,
    limits: { 'tasks.maxRunningPerOwner': 3 },
    signer: null,
  });
}

function callBy(allowed: readonly string[] | null, agent = first): Call {
  if (agent === undefined) throw new Error('no agent');
  const principal = { ...principalOf('alice'), agents: allowed === null ? null : new Set(allowed) };
  const { signal } = new AbortController();
  return {
    principal,
    agent,
    version: '1.0',
    idempotencyKey: undefined,
    extensions: [],
    lastEventId: undefined,
    signal,
  };
}

const paramsOf = (card: AgentCard) =>
  card.capabilities.extensions?.find(({ uri }) => uri === CALLER_EXTENSION)?.params as {
    agents: { id: string; url: string }[];
    agentCount: number;
  };

test('[A3, A6] a key sees the agents that it may use, and no others', async () => {
  const some = await cardsOf(agents).get(callBy(['c', 'a', 'gone']));
  expect(paramsOf(some)).toMatchObject({
    agents: [
      { id: 'a', url: 'https://x.example/a' },
      { id: 'c', url: 'https://x.example/c' },
    ],
    agentCount: 2,
  });
  expect(JSON.stringify(some)).not.toContain('x.example/b');
  const all = await cardsOf(agents).get(callBy(null));
  expect(paramsOf(all).agents.map(({ id }) => id)).toEqual(['a', 'b', 'c']);
  // What the agent declares itself stays.
  expect(all.capabilities.extensions?.map(({ uri }) => uri)).toEqual(['urn:other', CALLER_EXTENSION]);
});

test('[A3] a card names so many agents at most, and their number', async () => {
  const many = Array.from({ length: 501 }, (_, index) => agentOf(executorOf(nothing), `agent-${index}`));
  const card = await cardsOf(many).get(callBy(null, many[0]));
  expect([paramsOf(card).agents.length, paramsOf(card).agentCount]).toEqual([500, 501]);
});

test('[A6] the right to the agent is asked before anything is said of it', async () => {
  await expect(cardsOf(agents).get(callBy(['b']))).rejects.toMatchObject({ code: 'PERMISSION_DENIED' });
});
