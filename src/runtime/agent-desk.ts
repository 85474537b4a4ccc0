import { isDeepStrictEqual } from 'node:util';
import type { AgentReply } from '../health/agent-reply.ts';
import { type AgentPolicy, AgentWatch, type AgentWatchDeps } from '../health/agent-watch.ts';
import { AdminState, type AgentWishes, type SharedTable } from '../pool/table.ts';
import type { Address } from '../support/address.ts';

/** A backend that has an agent. */
export interface AgentTarget {
  readonly key: string;
  readonly slot: number;
  readonly address: Address;
  readonly policy: AgentPolicy;
}

/** What the desk works with, and whom it tells. */
export interface AgentDeskDeps extends Pick<AgentWatchDeps, 'clock' | 'lookup' | 'random'> {
  readonly table: SharedTable;
  /** An agent has said something new; `ended` when that ends a state in which its backend got no new leases. */
  onChange(key: string, ended: boolean): void;
  onProblem(key: string, problem: string): void;
}

const adminStates = { ready: AdminState.enabled, drain: AdminState.draining, maint: AdminState.disabled } as const;

const nothing: AgentWishes = { admin: AdminState.enabled };

/** One agent, and all that it has said so far: only an agent takes back what it has said. */
class Said {
  readonly target: AgentTarget;
  watch: AgentWatch | undefined;
  wishes = nothing;
  /** Why its backend does not work; '' when it does, as far as the agent has said. */
  down = '';

  constructor(target: AgentTarget) {
    this.target = target;
  }
}

/** The agents beside backends: asks them, and writes what they say into the shared table. */
export class AgentDesk {
  readonly #deps: AgentDeskDeps;
  #agents = new Map<string, Said>();

  constructor(deps: AgentDeskDeps) {
    this.#deps = deps;
  }

  /** Takes the agents to ask from now on; resolves when each new one was asked once. Those that stay keep what they said. */
  async set(targets: readonly AgentTarget[]): Promise<void> {
    const before = this.#agents;
    this.#agents = new Map();
    for (const target of targets) {
      const known = before.get(target.key);
      const agent = known !== undefined && isDeepStrictEqual(known.target, target) ? known : this.#begin(target);
      this.#agents.set(target.key, agent);
      // The limit of the config may have been written anew.
      this.#deps.table.setAgent(target.slot, agent.wishes);
    }
    for (const [key, agent] of before) {
      if (this.#agents.get(key) === agent) continue;
      agent.watch?.stop();
      if (!this.#agents.has(key)) this.#deps.table.setAgent(agent.target.slot, nothing);
      if (agent.down !== '' || givesNothing(agent.wishes)) this.#deps.onChange(key, givesNothing(agent.wishes));
    }
    await Promise.all([...this.#agents.values()].map(({ watch }) => watch?.asked));
  }

  #begin(target: AgentTarget): Said {
    const { clock, lookup, random, onProblem } = this.#deps;
    const agent = new Said(target);
    agent.watch = new AgentWatch(target.address, target.policy, {
      clock,
      lookup,
      random,
      onReply: (reply) => this.#heard(agent, reply),
      onProblem: (problem) => onProblem(target.key, problem),
    });
    return agent;
  }

  #heard(agent: Said, { admin, percent, maxActive, works }: AgentReply): void {
    const { table, onChange } = this.#deps;
    const { wishes, down, target } = agent;
    agent.wishes = {
      admin: admin === undefined ? wishes.admin : adminStates[admin],
      percent: percent ?? wishes.percent,
      maxActive: maxActive ?? wishes.maxActive,
    };
    if (works !== undefined) agent.down = works.up ? '' : works.reason;
    if (isDeepStrictEqual(agent.wishes, wishes) && agent.down === down) return;
    table.setAgent(target.slot, agent.wishes);
    onChange(target.key, givesNothing(wishes) && !givesNothing(agent.wishes));
  }

  /** Why a backend does not work, as its agent says; '' when it does, or has none. */
  downReason(key: string): string {
    return this.#agents.get(key)?.down ?? '';
  }

  /** Asks nobody any more. */
  close(): void {
    for (const { watch } of this.#agents.values()) watch?.stop();
    this.#agents.clear();
  }
}

function givesNothing({ admin, percent }: AgentWishes): boolean {
  return admin !== AdminState.enabled || percent === 0;
}
