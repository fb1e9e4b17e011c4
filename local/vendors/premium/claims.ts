// claims.ts: what the Premium stand-in believes about the report files, and how they can be spoilt. Only the columns on screen
// are documented; how the file frames them is a guess, and each guess is a switch.
import type { ClaimTable } from '../claims.ts';
import type { FaultTable } from '../faults.ts';

export const premiumClaims = {
  columns: { says: 'aging by customer has these eleven columns', mark: '1P-IMG', source: '2.2.1', holds: true },
  key_is_id_and_currency: { says: 'a customer has one row per currency', mark: '1P-IMG', source: '2.2.1', holds: true },
  bare_dollar: {
    says: 'amounts of every currency are rendered with a bare $; turned: with their own symbol',
    mark: 'constructed',
    source: '2.2.1',
    holds: true,
  },
  row_numbers: { says: 'the file has the row number column', mark: 'constructed', source: '2.2.1', holds: true },
  quoted: { says: 'every field is quoted; turned: only where it must be', mark: 'constructed', source: '2.2.1', holds: true },
  due_day_is_overdue: { says: 'an invoice counts as overdue on its due date already', mark: 'UNVERIFIED', source: '2.3', holds: false },
  invoices_columns: {
    says: 'the invoices file has the columns of the screen; turned: names of its own',
    mark: 'UNVERIFIED',
    source: '2.3',
    holds: true,
  },
  invoices_carry_customer_id: { says: 'the invoices file has a Customer ID column', mark: 'UNVERIFIED', source: '2.3', holds: false },
  invoices_are_sent_ones: {
    says: 'the invoices file has all sent invoices that are not void, paid ones too',
    mark: '1P',
    source: '2.3',
    holds: true,
  },
  total_nets_payments: { says: 'Total of an invoice is what is still owed', mark: 'UNVERIFIED', source: '2.3', holds: false },
} as const satisfies ClaimTable;

export const premiumFaults = {
  totals_row: { at: ['file'], says: 'a last row Totals that adds all currencies together' },
  bom: { at: ['file'], says: 'a byte order mark in front' },
  raw_numbers: { at: ['file'], says: '1078.0 instead of "$1,078.00"' },
  crlf: { at: ['file'], says: 'CRLF line ends' },
  missing_column: { at: ['file'], says: 'the column in value (Currency) is not there' },
  renamed_column: { at: ['file'], says: 'value is "Old=New" ("Total Due=Balance Due")' },
  new_column: { at: ['file'], says: 'a column nobody announced, named by value (Market ID), in front of the amounts' },
  stale: { at: ['file'], says: 'a "Last refreshed" line of value days ago (3) in front, and the figures of that day' },
  duplicate: { at: ['file'], says: 'the same bytes again under a second name' },
  truncated: { at: ['file'], says: 'cut in the middle of a row, after value percent (60) of the bytes' },
  pdf: { at: ['file'], says: 'a PDF under the name of a CSV' },
  zip: { at: ['file'], says: 'a zip with one CSV per tile' },
  xss_name: { at: ['file'], says: 'the first customer is called <script>alert(1)</script>' },
  formula_name: { at: ['file'], says: 'the first customer is called =HYPERLINK("http://evil.example";"x")' },
} as const satisfies FaultTable;
