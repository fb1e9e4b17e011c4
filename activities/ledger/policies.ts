// policies.ts: policy versions read from the store and parsed once per process: a version never changes.
import type { Policy } from '../../domain/policy/policy.ts';
import { readPolicy } from '../../domain/policy/parse.ts';
import type { Tx } from '../../store/database.ts';
import { readPolicyVersion } from '../../store/policies.ts';

export type PolicyOf = (tx: Tx, name: string, version: number) => Promise<Policy>;

/** Throws when the version is not in the store, or its text is no longer a valid policy. */
export function policyReader(): PolicyOf {
  const parsed = new Map<string, Policy>();
  return async (tx, name, version) => {
    const key = `${tx.tenant}/${name}/${version}`;
    const known = parsed.get(key);
    if (known) return known;
    const stored = await readPolicyVersion(tx, name, version);
    if (!stored)
      throw new Error(`policy "${name}" version ${version} of tenant "${tx.tenant}" is not in the store; save it with: dunlin policy show`);
    const read = readPolicy(stored.source);
    if (!read.ok) {
      const first = read.errors[0];
      throw new Error(`policy "${name}" version ${version}: ${first?.path}: found ${first?.found}, expected ${first?.expected}`);
    }
    parsed.set(key, read.policy);
    return read.policy;
  };
}
