/** What every TaskStore must do; each database runs it. */
import { describe } from 'vitest';
import type { StoreUnderTest } from '../../test/support/store-under-test.ts';
import { taskClaimsContract } from './task-claims.contract.ts';
import { taskDeletionContract } from './task-deletion.contract.ts';
import { taskReadContract } from './task-reads.contract.ts';
import { taskUpkeepContract } from './task-upkeep.contract.ts';
import { deduplicationContract, taskWriteContract } from './task-writes.contract.ts';

/** @param open gives stores on an empty, migrated database. */
export function taskStoreContract(open: () => Promise<StoreUnderTest>): void {
  describe('writes', () => {
    taskWriteContract(open);
  });
  describe('deduplication', () => {
    deduplicationContract(open);
  });
  describe('reads', () => {
    taskReadContract(open);
  });
  describe('claims', () => {
    taskClaimsContract(open);
  });
  describe('upkeep', () => {
    taskUpkeepContract(open);
  });
  describe('deletion', () => {
    taskDeletionContract(open);
  });
}
