// ids.ts: workflow ids are pure functions of the business key, with their inverse. No names or addresses in them.

export type CaseKey = { readonly tenant: string; readonly invoiceId: string; readonly cycle: number };

/** "dunning/acme/inv_4f2a" for the first cycle, "dunning/acme/inv_4f2a/2" for later ones. */
export function dunningWorkflowId({ tenant, invoiceId, cycle }: CaseKey): string {
  return cycle === 1 ? `dunning/${tenant}/${invoiceId}` : `dunning/${tenant}/${invoiceId}/${cycle}`;
}

/** The inverse; undefined when the id is not a dunning workflow's. */
export function caseOfWorkflowId(workflowId: string): CaseKey | undefined {
  const parts = /^dunning\/([^/]+)\/([^/]+)(?:\/(\d+))?$/.exec(workflowId);
  if (!parts?.[1] || !parts[2]) return undefined;
  return { tenant: parts[1], invoiceId: parts[2], cycle: Number(parts[3] ?? 1) };
}

/** One intake at a time per tenant: its id is its lock. */
export function intakeWorkflowId(tenant: string): string {
  return `intake/${tenant}`;
}

export function intakeScheduleId(tenant: string): string {
  return `intake-schedule/${tenant}`;
}

export const taskQueue = 'dunlin';
