/** cluster.json: the published three keys and two of ours, checked against each other and against the node's own flags. */
import { z } from 'zod';
import { didYouMean, type Fault, lineOf, whyUnreadable } from './fault.ts';
import { findJsonFault } from './json-fault.ts';
import { readText } from './text-file.ts';

export interface Cluster {
  readonly name: string;
  readonly nodeNames: readonly string[];
  readonly masterNodeName: string;
  readonly failover: 'automatic' | 'manual';
  readonly leaseSeconds: number;
}

const NODE_NAME_RULE = 'must be letters, digits, _ . or -, at most 100';
const nodeName = z.string(NODE_NAME_RULE).regex(/^[A-Za-z0-9_.-]{1,100}$/, NODE_NAME_RULE);
const LEASE_RULE = 'must be an integer from 2 to 30';

const SHAPE = {
  cluster_name: z.string('must be text').min(1, 'must not be empty'),
  chat_server_node_names: z.array(nodeName, 'must be a list of names').min(1, 'must name at least one node'),
  chat_server_master_node_name: nodeName,
  failover: z.enum(['automatic', 'manual'], 'must be automatic or manual').default('automatic'),
  lease_seconds: z.int(LEASE_RULE).min(2, LEASE_RULE).max(30, LEASE_RULE).default(4),
};

/** undefined when the file says too little to go on checking; otherwise the faults found so far are in `faults`. */
export function readClusterFile(file: string, faults: Fault[]): Cluster | undefined {
  const fault = (message: string, line?: number): void => void faults.push({ file, line, message });
  let text: string;
  try {
    text = readText(file);
  } catch (error) {
    fault(whyUnreadable(error), lineOf(error));
    return undefined;
  }
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    const found = findJsonFault(text) ?? { message: String(error), line: undefined };
    fault(`is not JSON: ${found.message}`, found.line);
    return undefined;
  }
  if (typeof json !== 'object' || json === null || Array.isArray(json)) {
    fault('must hold one JSON object');
    return undefined;
  }

  for (const key of Object.keys(json)) {
    if (!Object.hasOwn(SHAPE, key)) fault(`unknown key '${key}'${didYouMean(key, Object.keys(SHAPE))}`, lineOfKey(text, key));
  }
  const parsed = z.object(SHAPE).safeParse(json);
  if (!parsed.success) {
    for (const { path, message } of parsed.error.issues) {
      const key = String(path[0]);
      if (Object.hasOwn(json, key)) fault(`${key}: ${shorten(valueAt(json, path))} ${message}`, lineOfKey(text, key));
      else fault(`${key} is missing`);
    }
    return undefined;
  }
  const { cluster_name, chat_server_node_names: names, chat_server_master_node_name: master, failover, lease_seconds } = parsed.data;
  for (const twice of new Set(names.filter((name, i) => names.indexOf(name) !== i))) {
    fault(`chat_server_node_names: '${twice}' is named twice`, lineOfKey(text, 'chat_server_node_names'));
  }
  if (!names.includes(master)) {
    fault(
      `chat_server_master_node_name: '${master}' is not in chat_server_node_names (${names.join(', ')})${didYouMean(master, names)}`,
      lineOfKey(text, 'chat_server_master_node_name'),
    );
  }
  return { name: cluster_name, nodeNames: names, masterNodeName: master, failover, leaseSeconds: lease_seconds };
}

/** This node's place in the cluster: its name is in the list, and its mode is what the list says. */
export function checkNode(cluster: Cluster, name: string, mode: 'master' | 'slave', faults: Fault[]): void {
  if (!cluster.nodeNames.includes(name)) {
    faults.push({
      message: `node_name '${name}' is not in cluster '${cluster.name}' (${cluster.nodeNames.join(', ')})${didYouMean(name, cluster.nodeNames)}`,
    });
    return;
  }
  const right = name === cluster.masterNodeName ? 'master' : 'slave';
  // A master that is not in the list is a fault of its own: no mode is right then.
  if (mode === right || !cluster.nodeNames.includes(cluster.masterNodeName)) return;
  faults.push({
    message: `node '${name}' is started with --multinode_mode=${mode}, but cluster.json makes '${cluster.masterNodeName}' the master: start it with --multinode_mode=${right}`,
  });
}

function valueAt(json: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>((value, key) => (value as Record<PropertyKey, unknown>)[key], json);
}

function shorten(value: unknown): string {
  const text = JSON.stringify(value);
  return text.length > 60 ? `${text.slice(0, 59)}…` : text;
}

function lineOfKey(text: string, key: string): number | undefined {
  const at = text.indexOf(JSON.stringify(key));
  return at === -1 ? undefined : text.slice(0, at).split('\n').length;
}
