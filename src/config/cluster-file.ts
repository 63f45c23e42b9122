/** cluster.json: the published three keys and two of ours, checked against each other and the node's own flags. */
import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { didYouMean, type Fault } from './fault.ts';

export interface Cluster {
  readonly name: string;
  readonly nodeNames: readonly string[];
  readonly masterNodeName: string;
  readonly failover: 'automatic' | 'manual';
  readonly leaseSeconds: number;
}

const NODE_NAME = /^[A-Za-z0-9_.-]{1,100}$/;
const nodeName = z.string().regex(NODE_NAME, 'must be letters, digits, _ . or -, at most 100');

const SHAPE = {
  cluster_name: z.string().min(1, 'must not be empty'),
  chat_server_node_names: z.array(nodeName).min(1, 'must name at least one node'),
  chat_server_master_node_name: nodeName,
  failover: z.enum(['automatic', 'manual']).default('automatic'),
  lease_seconds: z.number().int().min(2).max(30).default(4),
};

export function readClusterFile(file: string, faults: Fault[]): Cluster | undefined {
  const fault = (message: string, line?: number): void => void faults.push({ file, line, message });
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    fault(`cannot be read: ${error instanceof Error ? error.message : String(error)}`);
    return undefined;
  }
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    fault(`is no JSON: ${error instanceof Error ? error.message : String(error)}`, lineOfSyntaxError(text, error));
    return undefined;
  }
  if (typeof json !== 'object' || json === null || Array.isArray(json)) {
    fault('must hold one JSON object');
    return undefined;
  }
  const before = faults.length;
  for (const key of Object.keys(json)) {
    if (!Object.hasOwn(SHAPE, key)) fault(`unknown key '${key}'${didYouMean(key, Object.keys(SHAPE))}`, lineOfKey(text, key));
  }
  const parsed = z.object(SHAPE).safeParse(json);
  if (!parsed.success) {
    for (const issue of parsed.error.issues) {
      const key = String(issue.path[0] ?? '');
      fault(Object.hasOwn(json, key) ? `${key}: ${issue.message}` : `${key} is missing`, lineOfKey(text, key));
    }
    return undefined;
  }
  const { cluster_name, chat_server_node_names: names, chat_server_master_node_name: master, failover, lease_seconds } = parsed.data;
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice !== undefined) fault(`chat_server_node_names names '${twice}' twice`, lineOfKey(text, 'chat_server_node_names'));
  if (!names.includes(master)) {
    fault(
      `chat_server_master_node_name '${master}' is not in chat_server_node_names (${names.join(', ')})${didYouMean(master, names)}`,
      lineOfKey(text, 'chat_server_master_node_name'),
    );
  }
  if (faults.length > before) return undefined;
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
  if (mode === right) return;
  faults.push({
    message: `node '${name}' is started with --multinode_mode=${mode}, but cluster.json makes '${cluster.masterNodeName}' the master: start it with --multinode_mode=${right}`,
  });
}

function lineOfKey(text: string, key: string): number | undefined {
  const at = text.indexOf(`"${key}"`);
  return at === -1 ? undefined : text.slice(0, at).split('\n').length;
}

function lineOfSyntaxError(text: string, error: unknown): number | undefined {
  const position = /position (\d+)/.exec(error instanceof Error ? error.message : '')?.[1];
  if (position !== undefined) return text.slice(0, Number(position)).split('\n').length;
  return /end of JSON input/.test(String(error)) ? text.split('\n').length : undefined;
}
