/** Checks a card: whose signature it has, by keys that something vouches for, and whether it is valid. */
import type { JSONWebKeySet } from 'jose';
import { type CardVerification, type FindKeys, REASONS, verifyCard } from '../core/signing/card-verifier.ts';
import { AppError, type FieldViolation } from '../protocol/errors.ts';
import type { JsonObject } from '../protocol/json.ts';
import { agentCardSchema as cardSchemaV03 } from '../protocol/v0_3/card-schemas.ts';
import { agentCardSchema } from '../protocol/v1/card-schemas.ts';
import { violationsOf } from '../protocol/violations.ts';
import { type CardSource, readJson } from './card-source.ts';

export interface TrustFlags {
  /** A file or address of keys that the user trusts. */
  readonly jwks?: string;
  /** Origins whose `jku` the user trusts. */
  readonly trust?: readonly string[];
}

export interface CardCheck {
  readonly verdict: CardVerification['verdict'];
  readonly reason: CardVerification['reason'];
  readonly explanation: string;
  readonly kid: string | null;
  readonly trust: string | null;
  readonly form: string | null;
  /** Fields that the signature does not cover: those of 0.3 and unknown ones. */
  readonly uncovered: readonly string[];
  /** What the card breaks of the definition of its version. */
  readonly problems: readonly FieldViolation[];
}

export async function checkCard({ card, origin }: CardSource, flags: TrustFlags): Promise<CardCheck> {
  const result = await verifyCard(card, findKeys(origin, flags));
  const { verdict, reason, detail, kid = null, trust = null, form = null, uncovered = [] } = result;
  const explanation = detail === undefined ? REASONS[reason] : `${REASONS[reason]}: ${detail}`;
  return { verdict, reason, explanation, kid, trust, form, uncovered, problems: problemsOf(card) };
}

/** What breaks the definition of 1.0; of 0.3 for a card that is of that version alone. */
function problemsOf(card: JsonObject): readonly FieldViolation[] {
  const isOld = card['supportedInterfaces'] === undefined && card['protocolVersion'] !== undefined;
  const parsed = (isOld ? cardSchemaV03 : agentCardSchema).safeParse(card);
  return parsed.success ? [] : violationsOf(parsed.error.issues, card);
}

/** Given keys, else the `jku` where its origin is one that is trusted: named by the user, or that of the card itself. */
function findKeys(origin: string | null, { jwks, trust = [] }: TrustFlags): FindKeys {
  const trusted = new Set(trust.map(originOf));
  const read = new Map<string, Promise<JSONWebKeySet>>();
  const keysAt = (where: string): Promise<JSONWebKeySet> => {
    let keys = read.get(where);
    if (keys === undefined) read.set(where, (keys = readKeys(where)));
    return keys;
  };
  return async ({ jku }) => {
    if (jwks !== undefined) return { keys: await keysAt(jwks), trust: `the keys of ${jwks}, given with --jwks` };
    if (jku === undefined || !URL.canParse(jku)) return null;
    const keyOrigin = new URL(jku).origin;
    if (trusted.has(keyOrigin)) return { keys: await keysAt(jku), trust: `${keyOrigin}, given with --trust` };
    if (keyOrigin !== origin) return null;
    const plain = keyOrigin.startsWith('http:') ? ', over plain HTTP, which anybody on the way can change' : '';
    return { keys: await keysAt(jku), trust: `${keyOrigin}, where the card came from${plain}` };
  };
}

function originOf(text: string): string {
  if (URL.canParse(text) && /^https?:/.test(text)) return new URL(text).origin;
  throw new AppError(
    'INVALID_PARAMS',
    `--trust must be an origin such as https://agents.example, not ${JSON.stringify(text)}`,
  );
}

async function readKeys(where: string): Promise<JSONWebKeySet> {
  const value = await readJson(where);
  if (Array.isArray(value['keys'])) return { keys: value['keys'] as JSONWebKeySet['keys'] };
  // A single key is what people have in a file.
  if (typeof value['kty'] === 'string') return { keys: [value] };
  throw new AppError('INVALID_PARAMS', `${where} holds no JSON Web Key Set`);
}
