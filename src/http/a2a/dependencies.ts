/** What the two bindings need. */
import type { AgentRegistry } from '../../core/agents/registry.ts';
import type { Captures } from '../../core/captures/captures.ts';
import type { Operations } from '../../core/operations/dispatch.ts';
import type { OpenStreams } from '../../core/streams/open-streams.ts';
import type { BodyCheck } from '../json-body.ts';

export interface A2aDependencies {
  readonly operations: Operations;
  readonly agents: AgentRegistry;
  readonly streams: OpenStreams;
  readonly checkBody: BodyCheck;
  readonly captures: Captures;
  /** How JSON-RPC tells clients of 0.3 that their request is not valid: `http` is 400, `ok` is 200. */
  readonly invalidV03Status: 'http' | 'ok';
}
