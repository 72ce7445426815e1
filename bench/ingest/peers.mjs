/** What the same PostgreSQL takes without us: COPY into a bare table, and the specified way, an insert for each execution. */
import { field, openCopy } from '../history/copy.mjs';

const columns = 'username, session_id, cell_number, code, execution_time_ms, status, error_message';

/** @returns {Promise<Record<'raw-copy' | 'seed-plain' | 'seed-plain-persistent', number>>} executions a second */
export async function measurePeers(log, { budgetMs, cells }) {
  const sql = log.connect(1);
  const draw = cells(0);
  await sql`create table seed_plain.bare (username varchar(255), session_id varchar(255), cell_number int, code text,
    execution_time_ms int, status varchar(50), error_message text)`;
  const results = {
    'raw-copy': await copyRate(sql, draw, budgetMs),
    'seed-plain': await insertRate(draw, budgetMs, async (insert) => {
      const connection = log.connectApart();
      await insert(connection);
      await connection.end({ timeout: 1 });
    }),
    'seed-plain-persistent': await insertRate(draw, budgetMs, (insert) => insert(sql)),
  };
  await sql`drop table seed_plain.bare`;
  return results;
}

/** Lines are made before the clock runs: the text of COPY is nothing that this side would have to make. */
async function copyRate(sql, draw, budgetMs) {
  const lines = draw(20_000).map(
    ({ execution: e }) =>
      `deliverer\t${e.kernelId}\t${e.cellNumber}\t${field(e.snippet.text)}\t${e.milliseconds}\t${statusOf(e)}\t${field(e.message)}`,
  );
  const begun = performance.now();
  let rows = 0;
  do {
    const copy = await openCopy(sql, `seed_plain.bare (${columns})`);
    for (const [index, line] of lines.entries()) {
      copy.add(line);
      if (index % 500 === 0) await copy.flush();
    }
    await copy.end();
    rows += lines.length;
  } while (performance.now() - begun < budgetMs);
  return rows / ((performance.now() - begun) / 1_000);
}

async function insertRate(draw, budgetMs, withConnection) {
  const begun = performance.now();
  let rows = 0;
  for (; performance.now() - begun < budgetMs; rows += 1) {
    const [{ execution: e }] = draw(1);
    await withConnection(
      (connection) => connection`
        insert into seed_plain.code_execution_logs (username, session_id, cell_number, code, execution_time_ms, status,
          error_message)
        values ('deliverer', ${e.kernelId}, ${e.cellNumber}, ${e.snippet.text}, ${e.milliseconds}, ${statusOf(e)},
          ${e.message})`,
    );
  }
  return rows / ((performance.now() - begun) / 1_000);
}

const statusOf = ({ outcome }) => (outcome === 'success' ? 'success' : 'error');
