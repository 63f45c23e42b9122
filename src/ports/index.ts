/**
 * Every door out of the pure code. Adapters (postgres/, rabbitmq/, system/ …) implement these; commit/, sync/, delivery/, sessions/ and
 * jobs/ use them; node/ connects the two.
 */
export * from './clients.ts';
export * from './cluster.ts';
export * from './expected.ts';
export * from './files.ts';
export * from './histories.ts';
export * from './master.ts';
export * from './read-path.ts';
export * from './store.ts';
export * from './system.ts';
