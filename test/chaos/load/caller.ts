/** A2A in every binding and version, from a client's point of view: an answer, or none. */
import type { Answer, Call, Endpoint, Form, OnEvent } from '../wire/call.ts';
import { GrpcCaller } from '../wire/grpc.ts';
import { HttpCaller } from '../wire/http.ts';

/** The connections of all clients of a run. */
export class Caller {
  readonly #http = new HttpCaller();
  readonly #grpc = new GrpcCaller();
  /** Whole answers and streams that gave something, by their form. */
  readonly answered = new Map<Form, number>();

  #of(form: Form): HttpCaller | GrpcCaller {
    return form.startsWith('gRPC') ? this.#grpc : this.#http;
  }

  #count(form: Form): void {
    this.answered.set(form, (this.answered.get(form) ?? 0) + 1);
  }

  /** Rejects where no whole answer came in time. */
  async ask(form: Form, endpoint: Endpoint, call: Call): Promise<Answer> {
    const answer = await this.#of(form).ask(form, endpoint, call);
    this.#count(form);
    return answer;
  }

  /**
   * Calls `onEvent` with each event until the server ends the stream. Rejects when it breaks, or is silent for too long. A
   * refusal comes back.
   */
  async follow(form: Form, endpoint: Endpoint, call: Call, onEvent: OnEvent): Promise<Answer> {
    let isCounted = false;
    return this.#of(form).follow(form, endpoint, call, (id, event) => {
      if (!isCounted) this.#count(form);
      isCounted = true;
      onEvent(id, event);
    });
  }

  async close(): Promise<void> {
    this.#grpc.close();
    await this.#http.close();
  }
}

interface TaskJson {
  readonly id?: string;
  readonly status?: { readonly state?: string };
}

/** The id and state of the Task in an answer, by itself or as the result of a send. */
export function taskIn(json: unknown): { readonly id: string | null; readonly state: string | null } {
  const { task, id, status } = (json ?? {}) as TaskJson & { readonly task?: TaskJson };
  return { id: task?.id ?? id ?? null, state: task?.status?.state ?? status?.state ?? null };
}
