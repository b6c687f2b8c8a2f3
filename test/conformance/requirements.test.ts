/** Every requirement of A2A on a server is cited by a test; what holds for every binding is, for every binding. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { requirementIds, requirements } from './requirements.ts';

const SELF = 'requirements.test.ts';

interface Citation {
  readonly id: string;
  readonly file: string;
  /** By `perWire`, which runs the test over each wire that the requirement holds for. */
  readonly isPerWire: boolean;
}

/** A call that begins a test or a group of them, with the string that is its title. */
const titled =
  /\b(perWire|test|it|describe)(?:\.each\((?:[^()]|\([^()]*\))*\))?\(\s*('(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|`[^`]*`)/g;

function citationsIn(file: string): Citation[] {
  const code = readFileSync(file, 'utf8')
    .replace(/\/\*[\s\S]*?\*\//g, '')
    .replace(/^\s*\/\/.*$/gm, '');
  return [...code.matchAll(titled)].flatMap(([, call, title = '']) =>
    requirementIds(title).map((id) => ({ id, file, isPerWire: call === 'perWire' })),
  );
}

const citations = ['src', 'test'].flatMap((dir) =>
  readdirSync(dir, { recursive: true, encoding: 'utf8' })
    .filter((file) => /\.(test|contract)\.ts$/.test(file) && !file.endsWith(SELF))
    .flatMap((file) => citationsIn(join(dir, file))),
);
const known = new Set(requirements.map(({ id }) => id));

describe('the list of requirements', () => {
  test('has each id once', () => {
    expect(known.size).toBe(requirements.length);
  });

  test('is cited by no id that is not in it', () => {
    expect(citations.filter(({ id }) => !known.has(id))).toEqual([]);
  });

  test('is cited in full: what holds for a binding, by a test over its wires', () => {
    const missing = requirements.filter(({ id, scope }) => {
      const cited = citations.filter((citation) => citation.id === id);
      return scope === 'server' ? cited.length === 0 : !cited.some(({ isPerWire }) => isPerWire);
    });
    expect(missing.map(({ id }) => id)).toEqual([]);
  });
});
