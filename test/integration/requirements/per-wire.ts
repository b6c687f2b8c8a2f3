/** A test that runs over each wire for which the requirements in its title hold. */
import { test } from 'vitest';
import { requirementIds, requirementOf } from '../../conformance/requirements.ts';
import { ALL_WIRES, type Wire } from '../wire/wire.ts';

function holdsFor(id: string, wire: Wire): boolean {
  const { scope, versions, except } = requirementOf(id);
  if (!versions.includes(wire.version) || except.includes(wire.name)) return false;
  return scope === 'every binding' || scope === wire.binding;
}

/** All requirements in one title must hold for the same wires: else one of them would be run over too few. */
export function perWire(title: string, work: (wire: Wire) => Promise<void>): void {
  const ids = requirementIds(title);
  const wires = ALL_WIRES.filter((wire) => ids.every((id) => holdsFor(id, wire)));
  const all = ALL_WIRES.filter((wire) => ids.some((id) => holdsFor(id, wire)));
  if (wires.length === 0 || wires.length !== all.length) {
    throw new Error(`The requirements of "${title}" do not hold for the same wires`);
  }
  test.each(wires.map((wire) => [wire.name, wire] as const))(`${title} (%s)`, async (_name, wire) => work(wire));
}
