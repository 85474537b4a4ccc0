/** What an agent says of its backend; what it does not mention stays as it was. */
export interface AgentReply {
  /** The backend's administrative state. */
  readonly admin?: 'ready' | 'drain' | 'maint';
  /** Whether it works, with the word that was used, and why. */
  readonly works?: { readonly up: boolean; readonly reason: string };
  /** Of its weight. */
  readonly percent?: number;
  /** The most leases at once, 0 for no limit. */
  readonly maxActive?: number;
}

/** The largest that a percentage may be; more is taken for a mistake. */
const MOST_PERCENT = 1000;
/** As many as the config takes. */
const MOST_CONNECTIONS = 10_000_000;

/** A number of the config's form, if it is within bounds. */
function whole(digits: string | undefined, most: number): number | undefined {
  const value = digits === undefined ? Number.NaN : Number(digits);
  return value <= most ? value : undefined;
}

/**
 * Reads the line of an agent, in the words of HAProxy's `agent-check` (its configuration manual, section 5.2): any of `up`,
 * `down`, `fail`, `stopped`, `ready`, `drain`, `maint`, `N%` and `maxconn:N`, parted by spaces, tabs or commas, in either case; behind
 * a `#` comes a description. A word that is none of them makes the answer a bad one: then a string says what is wrong.
 */
export function readAgentReply(line: string): AgentReply | string {
  const [said = '', ...description] = line.split('#');
  const words = said.split(/[ \t,]+/).filter((word) => word !== '');
  if (words.length === 0) return 'the answer is empty';
  let reply: AgentReply = {};
  for (const word of words) {
    const one = readWord(word.toLowerCase(), description.join('#').trim());
    if (one === undefined) return `the answer has a word that is not known: ${JSON.stringify(word.slice(0, 40))}`;
    reply = { ...reply, ...one };
  }
  return reply;
}

function readWord(word: string, description: string): AgentReply | undefined {
  switch (word) {
    case 'ready':
    case 'drain':
    case 'maint':
      return { admin: word };
    case 'up':
      return { works: { up: true, reason: 'the agent says up' } };
    case 'down':
    case 'fail':
    case 'stopped':
      return { works: { up: false, reason: `the agent says ${word}${description && `: ${description}`}` } };
    default: {
      const percent = whole(/^(\d{1,9})%$/.exec(word)?.[1], MOST_PERCENT);
      if (percent !== undefined) return { percent };
      const maxActive = whole(/^maxconn:(\d{1,9})$/.exec(word)?.[1], MOST_CONNECTIONS);
      return maxActive === undefined ? undefined : { maxActive };
    }
  }
}
