/**
 * `check-config --connect`: does what main.ini says of the database and the broker hold? Tried as a node would, from here, with nothing
 * changed in the database. Says all that is wrong at once.
 */
import type { Config } from '../config/config.ts';
import { tryBrokers } from '../rabbitmq/try-broker.ts';
import { tlsOf } from '../config/tls-options.ts';
import { EXIT, exitCodeOf, sentenceOf } from './exit.ts';
import { openDatabase } from './open-database.ts';

export interface ServiceCheck {
  readonly isRight: boolean;
  readonly sentence: string;
  /** What a command ends with that meets this. */
  readonly exitCode: number;
}

/** One for the database, one for each broker. Never rejects. */
export async function checkServices(config: Config): Promise<readonly ServiceCheck[]> {
  return [await checkDatabase(config), ...(await checkBrokers(config))];
}

async function checkDatabase(config: Config): Promise<ServiceCheck> {
  if (config.db === undefined) return right('database: the embedded PostgreSQL (db_host is not set)');
  try {
    const opened = await openDatabase(config);
    await opened.close();
    return right(`database: ${opened.found}`);
  } catch (error) {
    return { isRight: false, sentence: `database: ${sentenceOf(error)}`, exitCode: exitCodeOf(error) };
  }
}

async function checkBrokers({ mq }: Config): Promise<readonly ServiceCheck[]> {
  if (mq === undefined) return [right('broker: none (mq_host is not set)')];
  const { hosts, username, virtualHost, nodeIdPrefix: prefix } = mq;
  const trials = await tryBrokers({ hosts, username, password: mq.password.reveal(), virtualHost, prefix, tls: tlsOf(mq.tls) });
  return trials.map(({ isUp, isRefused, sentence }) => ({
    isRight: isUp,
    sentence: `broker: ${sentence}`,
    exitCode: isUp ? EXIT.ok : isRefused ? EXIT.configuration : EXIT.serviceMissing,
  }));
}

function right(sentence: string): ServiceCheck {
  return { isRight: true, sentence, exitCode: EXIT.ok };
}
