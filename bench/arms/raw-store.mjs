// Where the raw arm keeps its tasks: a Map, or one SQLite file written in groups.

/** Joins what ListTasks shows of a task with the artifacts that it leaves out; both are JSON text. */
const join = (body, artifacts) => `${body.slice(0, -1)},"artifacts":${artifacts}}`;

/**
 * `put` stores a task, `append` an event; both call `done` when it is stored (put: with the JSON of the task).
 * `get` and `list` answer JSON text at once.
 */
export const openStore = (file, synchronous) => (file ? openSqlite(file, synchronous) : openMap());

function openMap() {
  const tasks = new Map();
  let recent = [];
  return {
    put(id, body, artifacts, done) {
      const json = join(body, artifacts);
      tasks.set(id, json);
      recent.push(body);
      if (recent.length > 4096) recent = recent.slice(-100);
      done(json);
    },
    append(_id, _seq, _json, done) {
      done();
    },
    get: (id) => tasks.get(id),
    list: (count) => ({ rows: recent.slice(-count).reverse(), total: tasks.size }),
  };
}

async function openSqlite(file, synchronous) {
  const { DatabaseSync } = await import('@photostructure/sqlite');
  const db = new DatabaseSync(file);
  db.exec(`pragma journal_mode = WAL; pragma synchronous = ${synchronous};
    create table if not exists task (id text primary key, seq integer, body text, artifacts text) without rowid;
    create index if not exists task_seq on task (seq desc, id);
    create table if not exists event (id text, seq integer, json text, primary key (id, seq)) without rowid;`);
  const insertTask = db.prepare(`insert into task (id, seq, body, artifacts) values (?, ?, ?, ?)
    on conflict (id) do update set body = excluded.body, artifacts = excluded.artifacts`);
  const insertEvent = db.prepare('insert into event (id, seq, json) values (?, ?, ?)');
  const selectTask = db.prepare('select body, artifacts from task where id = ?');
  const selectNewest = db.prepare('select body from task order by seq desc limit ?');
  let total = db.prepare('select count(*) n from task').get().n;
  let queue = [];

  function flush() {
    const group = queue;
    queue = [];
    db.exec('begin immediate');
    for (const write of group) write.run();
    db.exec('commit');
    for (const write of group) write.done();
  }
  const enqueue = (run, done) => {
    if (queue.push({ run, done }) === 1) setImmediate(flush);
  };
  return {
    put: (id, body, artifacts, done) =>
      enqueue(
        () => insertTask.run(id, ++total, body, artifacts),
        () => done(join(body, artifacts)),
      ),
    append: (id, seq, json, done) => enqueue(() => insertEvent.run(id, seq, json), done),
    get(id) {
      const { body, artifacts } = selectTask.get(id);
      return join(body, artifacts);
    },
    list: (count) => ({ rows: selectNewest.all(count).map((row) => row.body), total }),
  };
}
