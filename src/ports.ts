/**
 * Every door out of the pure code. Adapters (postgres/, rabbitmq/, system/) implement these; commands/,
 * sync/, sessions/ and jobs/ use them; node/ connects the two.
 */
export * from './ports/clients.ts';
export * from './ports/cluster.ts';
export * from './ports/expected.ts';
export * from './ports/files.ts';
export * from './ports/histories.ts';
export * from './ports/master.ts';
export * from './ports/read-path.ts';
export * from './ports/store.ts';
export * from './ports/system.ts';
