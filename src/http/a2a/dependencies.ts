/** What the two bindings need. */
import type { AgentRegistry } from '../../core/agents/registry.ts';
import type { TaskService } from '../../core/tasks/service.ts';
import type { SseStreams } from './sse.ts';

export interface A2aDependencies {
  readonly service: TaskService;
  readonly agents: AgentRegistry;
  readonly streams: SseStreams;
}
