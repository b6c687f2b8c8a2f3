/** The bus within a process. */
import { describe } from 'vitest';
import { busContract } from './bus.contract.ts';
import { InProcessNetwork } from './in-process.ts';

describe('the bus within a process', () => {
  busContract(async () => {
    const network = new InProcessNetwork();
    const cut = async () => {
      network.setUp(false);
      network.setUp(true);
    };
    return { join: () => network.join(), cut };
  });
});
