/** Bodies are looked over before they are parsed: parsing holds up everybody, for seconds where a body is made for it. */
import type { FastifyBodyParser, FastifyInstance } from 'fastify';
import { AppError, toAppError } from '../protocol/errors.ts';
import { exceededLimit, type JsonLimits } from '../protocol/json-structure.ts';

/** Throws INVALID_REQUEST or PAYLOAD_TOO_LARGE. */
export type BodyCheck = (text: string) => void;

export function bodyCheck(limits: JsonLimits, onLimit: (key: string) => void): BodyCheck {
  return (text) => {
    const exceeded = exceededLimit(text, limits);
    if (exceeded === null) return;
    if (exceeded === 'maxDepth') {
      onLimit('server.maxJsonDepth');
      const told = `The body is nested deeper than server.maxJsonDepth allows (${limits.maxDepth} levels)`;
      throw new AppError('INVALID_REQUEST', told, { metadata: { limit: 'server.maxJsonDepth' } });
    }
    onLimit('server.maxJsonValues');
    const told = `The body holds more values than server.maxJsonValues allows (${limits.maxValues}); send large data as a file`;
    throw new AppError('PAYLOAD_TOO_LARGE', told, { metadata: { limit: 'server.maxJsonValues' } });
  };
}

/** Surfaces that take parsed bodies get them from Fastify's own parser, after the check. */
export function registerJsonParser(app: FastifyInstance, check: BodyCheck): void {
  const parse = app.getDefaultJsonParser('error', 'error');
  app.removeContentTypeParser('application/json');
  app.addContentTypeParser(
    'application/json',
    { parseAs: 'string' },
    checked(check, (request, text, done) => parse(request, text, done)),
  );
}

/** A parser that calls back with what `check` throws: nobody would catch it. */
export function checked(check: BodyCheck, parse: FastifyBodyParser<string>): FastifyBodyParser<string> {
  return (request, text, done) => {
    try {
      check(text);
    } catch (error) {
      done(toAppError(error));
      return undefined;
    }
    return parse(request, text, done);
  };
}
