/**
 * Kubernetes tells each pod where the Services of its namespace are: for one named chat by CHAT_SERVICE_HOST, CHAT_PORT=tcp://…,
 * CHAT_PORT_8260_TCP_ADDR and more. Some of these have the names of our own variables. They are known by their form, passed over,
 * and one warning says so. Called by flags.ts and config.ts.
 */

const LINK = /^(?:tcp|udp|sctp):\/\/\S+:\d+$/;
const MEMBER = /^(CHAT(?:_[A-Z0-9_]+?)?)_(?:SERVICE_HOST|SERVICE_PORT(?:_\w+)?|PORT_\d+_(?:TCP|UDP|SCTP)(?:_(?:PROTO|PORT|ADDR))?)$/;
const ADDRESS = /^(CHAT(?:_[A-Z0-9_]+)?)_PORT$/;

/** Is this value of a variable …_PORT an address of Kubernetes, where we have a number? */
export function isServiceLink(variable: string, value: string): boolean {
  return ADDRESS.test(variable) && LINK.test(value);
}

/** A sentence for each Service whose variables stand in ours: for one named chat, or one whose address has the name of a key. */
export function warningsOfServiceLinks(env: Readonly<Record<string, string | undefined>>, isKey: (name: string) => boolean): string[] {
  const services = new Map<string, string[]>();
  for (const [variable, value = ''] of Object.entries(env)) {
    const prefix = isServiceLink(variable, value.trim()) ? ADDRESS.exec(variable)?.[1] : MEMBER.exec(variable)?.[1];
    if (prefix !== undefined) services.set(prefix, [...(services.get(prefix) ?? []), variable]);
  }
  return [...services]
    .filter(([prefix]) => prefix === 'CHAT' || isKey(`${prefix.slice('CHAT_'.length).toLowerCase()}_port`))
    .map(([prefix, variables]) => {
      const service = prefix.toLowerCase().replaceAll('_', '-');
      return `${variables.sort().join(', ')}: set by Kubernetes for the Service '${service}', passed over; enableServiceLinks: false in the pod keeps them away`;
    });
}
