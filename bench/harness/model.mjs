// How many requests a second a closed loop of clients gets: a small queueing model, to be held against measured points.
//
// Clients, servers and database share the cores of one machine: a station with several processors (mean value analysis, a
// station of m processors taken as one of m times the speed and a wait, after Seidmann). A server is one thread: however many
// cores there are, `replicas` of them do no more than `replicas` seconds of work a second. What a request waits for besides
// (the disk, the network, its group's commit) is a delay that takes no processor.

/**
 * @param demand CPU milliseconds of one request: { serverMs, databaseMs, generatorMs }
 * @param place { cores, replicas, delayMs }
 * @param clients how many requests are under way at once
 * @returns { rps, limit }: requests per second, and what holds them back: "cores", "servers" or "clients"
 */
export function predict(demand, { cores, replicas, delayMs }, clients) {
  const total = demand.serverMs + demand.databaseMs + demand.generatorMs;
  const queued = total / cores;
  const passed = (total * (cores - 1)) / cores + delayMs;
  let inQueue = 0;
  let perMs = 0;
  for (let n = 1; n <= clients; n++) {
    const waitMs = queued * (1 + inQueue);
    perMs = n / (waitMs + passed);
    inQueue = perMs * waitMs;
  }
  const servers = replicas / demand.serverMs;
  if (servers < perMs) return { rps: servers * 1000, limit: 'servers' };
  return { rps: perMs * 1000, limit: perMs > 0.9 / queued ? 'cores' : 'clients' };
}
