/** `parley card show|verify|sign`: looks at any agent's card, checks its signatures, and signs cards. */
import { writeFileSync } from 'node:fs';
import type { Command } from 'commander';
import type { SignedCard } from '../http/admin/signing-key-contract.ts';
import { AppError } from '../protocol/errors.ts';
import type { JsonObject } from '../protocol/json.ts';
import {
  type AdminCommandOptions,
  type AdminFlags,
  PLAIN_HTTP_OPTION,
  runAdminCommand,
  toJson,
  URL_OPTION,
} from './admin-command.ts';
import type { TrustFlags } from './card-check.ts';

interface ReadFlags extends TrustFlags {
  readonly json?: boolean;
}
interface SignFlags extends AdminFlags {
  readonly key?: string;
  readonly kid?: string;
  readonly jku?: string;
  readonly out?: string;
  readonly add?: boolean;
}

const SOURCE = 'an address (of an agent or its card), a file, or - for standard input';

/** Needs `parseAsync`. Exit code 1: not done; of `verify` also where the card is not valid and signed by a trusted key. */
export function registerCardCommands(program: Command, options: AdminCommandOptions = {}): void {
  const setExitCode = options.setExitCode ?? ((code) => void (process.exitCode = code));

  async function guarded(command: Command, work: () => Promise<string>): Promise<void> {
    const output = command.configureOutput();
    try {
      output.writeOut?.(await work());
    } catch (error) {
      if (!(error instanceof AppError)) throw error;
      output.writeErr?.(`error: ${error.message.replace(/\p{Cc}/gu, '?')}\n`);
      setExitCode(1);
    }
  }

  const card = program.command('card').description('agent cards: show, verify, sign');
  const addReader = (name: string, description: string) =>
    card
      .command(name)
      .description(description)
      .argument('<card>', SOURCE)
      .option('--jwks <where>', 'file or address of the keys to trust')
      .option('--trust <origin...>', 'origins whose published keys to trust, beside the one that the card came from')
      .option('--json', 'print JSON');

  addReader('show', 'show a card, with its signatures checked').action(
    (where: string, flags: ReadFlags, command: Command) =>
      guarded(command, async () => {
        const { source, check } = await readAndCheck(where, flags);
        if (flags.json === true) return toJson({ source: source.name, card: source.card, check });
        const { renderCard } = await import('./card-text.ts');
        return renderCard(source.card, check);
      }),
  );

  addReader('verify', 'check that a card is valid and signed by a trusted key').action(
    (where: string, flags: ReadFlags, command: Command) =>
      guarded(command, async () => {
        const { source, check } = await readAndCheck(where, flags);
        if (check.verdict !== 'valid' || check.problems.length > 0) setExitCode(1);
        if (flags.json === true) return toJson({ source: source.name, ...check });
        const { renderCheck } = await import('./card-text.ts');
        return renderCheck(check);
      }),
  );

  card
    .command('sign')
    .description("sign a card with the server's key, or with one of a file, and print it")
    .argument('<card>', SOURCE)
    .option('--key <file>', 'a private key in PEM or as a JWK, instead of the one of the server')
    .option('--kid <id>', 'id of that key (default: its thumbprint)')
    .option('--jku <url>', 'address of the published keys, for the header of the signature')
    .option('--add', 'keep the signatures that the card has; without it they go, as they may be of another text')
    .option('--out <file>', 'write the card to a file instead')
    .option(...URL_OPTION)
    .option(...PLAIN_HTTP_OPTION)
    .action((where: string, flags: SignFlags, command: Command) => {
      const finish = (signed: JsonObject): string => {
        if (flags.out === undefined) return toJson(signed);
        writeFileSync(flags.out, toJson(signed));
        return `Wrote ${flags.out}.\n`;
      };
      const { key } = flags;
      if (key !== undefined) {
        return guarded(command, async () => {
          const [source, { signWithFile }] = await Promise.all([readSource(where), import('./card-sign.ts')]);
          return finish(withSignatures(source.card, await signWithFile(source.card, { ...flags, key }), flags));
        });
      }
      return runAdminCommand(options, command, flags, async (routes) => {
        const { card: given } = await readSource(where);
        const { signatures } = (await routes.send('POST', '/api/v1/signing-keys/sign-card', {
          card: given,
        })) as SignedCard;
        return finish(withSignatures(given, signatures, flags));
      });
    });
}

async function readSource(where: string) {
  const { readCard } = await import('./card-source.ts');
  return readCard(where);
}

async function readAndCheck(where: string, flags: TrustFlags) {
  const [source, { checkCard }] = await Promise.all([readSource(where), import('./card-check.ts')]);
  return { source, check: await checkCard(source, flags) };
}

function withSignatures(card: JsonObject, made: SignedCard['signatures'], { add }: SignFlags): JsonObject {
  const before = add === true && Array.isArray(card['signatures']) ? card['signatures'] : [];
  return { ...card, signatures: [...before, ...made.map((signature) => ({ ...signature }))] };
}
