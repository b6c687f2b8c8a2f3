/** Routes have no JSON Schema of their own: what comes is looked over by the codecs and by zod. */

function refuse(): never {
  throw new Error(
    'a route with a JSON Schema: requests are looked over by zod here, and Fastify has no compiler for it',
  );
}

/** In the place of Fastify's compilers, whose loading would be a tenth of the start, and more of what lies in `dist/`. */
export const NO_SCHEMAS = { compilersFactory: { buildValidator: refuse, buildSerializer: refuse } };
