// Runs the embedded PostgreSQL as a process of its own: prints how to reach it as one JSON line, ends with its standard
// input or a signal. Argument: the data folder.
// Built by those who start this; not there for who only checks types.
const { openEmbedded } = await import(new URL('../dist/postgres/embedded.js', import.meta.url).href);

const server = await openEmbedded(process.argv[2]);
const { host, port, user, password, database, dataDir } = server;
console.log(JSON.stringify({ host, port, user, password, database, dataDir, pid: process.pid }));
const stop = async () => {
  await server.stop();
  process.exit(0);
};
process.stdin.on('end', () => void stop()).resume();
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => void stop());
