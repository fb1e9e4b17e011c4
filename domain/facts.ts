// facts.ts: what the rules are told about a case. Rows of the store become these plain values; the rules never see a
// row. Everything is about one customer in one currency, because that is what one message is about.
import type { Channel, Mode } from './policy/policy.ts';
import type { EpochMs, LocalDate, Zone } from './time.ts';

export type NoticeState = 'pending' | 'claimed' | 'in_data' | 'sent' | 'unknown' | 'not_sent' | 'cancelled' | 'suppressed';

/** A stage of an invoice that a living notice already speaks for, in this cycle or an earlier one. */
export type CoveredStage = {
  readonly stage: string;
  readonly channel: Channel;
  readonly cycle: number;
  readonly noticeId: string;
  readonly state: NoticeState;
  readonly review: 'none' | 'waiting' | 'approved' | 'declined';
  /** The instant it was sent or suppressed; null while it is on its way. */
  readonly at: EpochMs | null;
};

export type HoldKind = 'manual' | 'reply_received' | 'legal_stay' | 'data_health' | 'vendor_outage';
export type Hold = {
  readonly kind: HoldKind;
  readonly scope: 'tenant' | 'source' | 'customer' | 'invoice';
  /** Set when scope is invoice. */
  readonly invoiceId: string | null;
  readonly reason: string;
  /** null: until somebody lifts it. */
  readonly until: EpochMs | null;
};

export type CloseOutcome = 'paid' | 'credited' | 'written_off' | 'placed' | 'voided' | 'merged' | 'transferred' | 'superseded';

export type InvoiceFacts = {
  readonly id: string;
  readonly number: string;
  readonly kind: 'invoice' | 'balance_forward';
  readonly source: string;
  readonly dueDate: LocalDate;
  readonly amountMinor: bigint;
  readonly openMinor: bigint;
  readonly state: 'open' | 'closed';
  /** Why it was closed, as the store knows it; null while open. */
  readonly outcome: CloseOutcome | null;
  readonly version: number;
  readonly cycle: number;
  /** Instant this cycle's case was opened; null when no case is open yet. */
  readonly openedAt: EpochMs | null;
  readonly covered: readonly CoveredStage[];
  /** Messages that were on the wire while a payment arrived and have had no apology yet. */
  readonly crossedNoticeIds: readonly string[];
  /** The payer's order number; null when the invoice has none, absent when the source does not tell. */
  readonly purchaseOrder?: string | null;
};

export type Contact = {
  readonly id: string;
  readonly role: 'billing' | 'ap' | 'owner' | 'escalation';
  readonly name: string;
  readonly email: string | null;
  /** E.164. */
  readonly phone: string | null;
  readonly emailSuppressed: boolean;
  readonly phoneSuppressed: boolean;
};

export type CustomerFacts = {
  readonly id: string;
  readonly name: string;
  /** ISO 3166-1 alpha-2, empty when unknown. */
  readonly country: string;
  readonly region: string | null;
  /** IANA zone, null when unknown. */
  readonly zone: Zone | null;
  /** BCP 47. */
  readonly locale: string;
  readonly naturalPerson: boolean;
  readonly segment: string;
  readonly mode: Mode;
  readonly owner: string | null;
  readonly contacts: readonly Contact[];
  /** Changes with every fact about this customer. */
  readonly version: number;
  /** Instants of messages that left for this customer (sent, unknown or on the wire) in the last 14 days, any currency. */
  readonly contactedAt: readonly EpochMs[];
};

export type CreditorFacts = {
  readonly name: string;
  /** The creditor's contract zone: the day an invoice is due is a day in this zone. */
  readonly zone: Zone;
  readonly country: string;
};

/** Everything plan() and gate() are told. `invoices` are all open ones of this customer in this currency, plus the subject. */
export type Facts = {
  readonly creditor: CreditorFacts;
  readonly customer: CustomerFacts;
  readonly currency: string;
  readonly invoices: readonly InvoiceFacts[];
  readonly holds: readonly Hold[];
  /** The customer's money not yet applied to any invoice, in this currency. */
  readonly unappliedMinor: bigint;
};
