/** The order in which test files run: the long ones first, so that none of them is what everything waits for at the end. */
import type { TestSpecification } from 'vitest/node';
import { BaseSequencer } from 'vitest/node';

/** They take from half a minute up; most of that they wait. */
const LONG = [
  'e2e/pages-',
  'integration/push/crash',
  'chaos/chaos.test',
  'integration/replicas/drain',
  'integration/secrets/rekey',
  'integration/streams/slow-readers',
  'integration/replicas/',
  'chaos/',
  'e2e/',
];

function rank({ moduleId }: TestSpecification): number {
  const index = LONG.findIndex((part) => moduleId.includes(`/test/${part}`));
  return index === -1 ? LONG.length : index;
}

export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    return sorted.toSorted((a, b) => rank(a) - rank(b));
  }
}
