/** What the two bindings need. */
import type { AgentRegistry } from '../../core/agents/registry.ts';
import type { Operations } from '../../core/operations/dispatch.ts';
import type { OpenStreams } from '../../core/streams/open-streams.ts';

export interface A2aDependencies {
  readonly operations: Operations;
  readonly agents: AgentRegistry;
  readonly streams: OpenStreams;
}
