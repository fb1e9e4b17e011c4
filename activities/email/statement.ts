// statement.ts: the statement of account as a PDF. The same figures give the same bytes: its creation date is the moment
// it speaks of, so a message can be rendered again and compared. The font is embedded, because the PDF's own ones have no
// letters beyond Western Europe.
import PDFDocument from 'pdfkit';
import { formatMoney } from '../../domain/money.ts';
import { daysBetween, type EpochMs } from '../../domain/time.ts';
import type { OpenItem } from '../../store/open-items.ts';
import { oneLine } from './address.ts';
import { longDate, shortDate } from './filters.ts';
import { statementFonts } from './fonts.ts';
import { stateText } from './letter.ts';
import type { LetterContext, Words } from './letter-context.ts';

const ink = '#1f2a2c';
const quiet = '#5f6c72';
const rule = '#d9dedb';
const accent = '#0f766e';
const alarm = '#b3341f';
const margin = 48;
const page = { width: 595.28, height: 841.89 };
const bottom = page.height - 72;

type Column = { readonly title: string; readonly x: number; readonly width: number; readonly align: 'left' | 'right' };

export type StatementInput = {
  readonly items: readonly OpenItem[];
  readonly creditMinor: bigint;
  readonly currency: string;
  readonly letter: Pick<LetterContext, 'company' | 'customer' | 'words' | 'locale' | 'language' | 'today'>;
  /** The moment it speaks of; becomes the creation date of the file. */
  readonly at: EpochMs;
};

/** PDF bytes. Lists every open item with its due date, how late it is and what is open, then credits and the balance. */
export async function statementPdf(input: StatementInput): Promise<Buffer> {
  const fonts = statementFonts();
  const { words, company, customer, language } = input.letter;
  const document = new PDFDocument({
    size: 'A4',
    margins: { top: margin, left: margin, right: margin, bottom: 0 },
    bufferPages: true,
    // None of its own: reading one that is never used costs a millisecond.
    font: '',
    lang: language,
    displayTitle: true,
    info: {
      Title: `${words.statement}, ${customer.name}`,
      Author: company.name,
      Creator: 'Dunlin',
      Producer: 'Dunlin',
      CreationDate: new Date(input.at),
    },
  });
  const chunks: Buffer[] = [];
  document.on('data', (chunk: Buffer) => chunks.push(chunk));
  const written = new Promise<void>((resolve, reject) => {
    document.on('end', resolve);
    document.on('error', reject);
  });
  document.registerFont('regular', fonts.regular);
  document.registerFont('bold', fonts.bold);
  drawStatement(document, input);
  numberPages(document, input);
  document.end();
  await written;
  return Buffer.concat(chunks);
}

function drawStatement(document: PDFKit.PDFDocument, input: StatementInput): void {
  let y = drawHead(document, input);
  y = drawFigures(document, input, y);
  const columns = columnsOf(input.letter.words);
  y = drawTitles(document, columns, y);
  for (const item of input.items) {
    const height = item.purchaseOrder ? 34 : 24;
    if (y + height > bottom) {
      document.addPage();
      y = drawTitles(document, columns, margin);
    }
    drawItem(document, input, columns, item, y);
    y += height;
  }
  if (y + 96 > bottom) {
    document.addPage();
    y = margin;
  }
  drawTotals(document, input, y + 6);
}

function drawHead(document: PDFKit.PDFDocument, { letter }: StatementInput): number {
  const { words, company, customer, locale, today } = letter;
  document.rect(0, 0, page.width, 6).fill(accent);
  document.fillColor(ink).font('bold').fontSize(13).text(company.name, margin, 40, { width: 250 });
  document.font('regular').fontSize(9).fillColor(quiet);
  for (const line of [company.address, company.phone, company.email]) if (line) document.text(line, { width: 250 });
  document
    .font('bold')
    .fontSize(20)
    .fillColor(ink)
    .text(words.statement, 300, 34, { width: page.width - margin - 300, align: 'right' });
  document
    .font('regular')
    .fontSize(9.5)
    .fillColor(quiet)
    .text(`${words.as_of} ${longDate(today, locale)}`, { width: page.width - margin - 300, align: 'right' });
  const y = Math.max(document.y, 108) + 10;
  document.fontSize(9).fillColor(quiet).text(words.statement_of, margin, y);
  document
    .font('bold')
    .fontSize(12)
    .fillColor(ink)
    .text(customer.name, { width: page.width - 2 * margin });
  return document.y + 18;
}

/** Balance, overdue, not yet due: the three figures a reader looks for first. */
function drawFigures(document: PDFKit.PDFDocument, input: StatementInput, y: number): number {
  const { words } = input.letter;
  const figures = sums(input);
  const width = (page.width - 2 * margin - 24) / 3;
  const boxes = [
    { label: words.balance, minor: figures.balanceMinor, color: ink },
    { label: words.overdue_label, minor: figures.overdueMinor, color: figures.overdueMinor > 0n ? alarm : ink },
    { label: words.not_due_label, minor: figures.openMinor - figures.overdueMinor, color: ink },
  ];
  for (const [index, box] of boxes.entries()) {
    const x = margin + index * (width + 12);
    document.roundedRect(x, y, width, 52, 5).fill('#f4f6f5');
    document
      .font('regular')
      .fontSize(8.5)
      .fillColor(quiet)
      .text(box.label, x + 12, y + 9, { width: width - 24, lineBreak: false });
    document
      .font('bold')
      .fontSize(14)
      .fillColor(box.color)
      .text(moneyText(input, box.minor), x + 12, y + 24, { width: width - 24, lineBreak: false });
  }
  return y + 74;
}

function columnsOf(words: Words): Column[] {
  return [
    { title: words.invoice, x: margin, width: 118, align: 'left' },
    { title: words.issued, x: 170, width: 88, align: 'left' },
    { title: words.due, x: 262, width: 96, align: 'left' },
    { title: words.status, x: 362, width: 92, align: 'left' },
    { title: words.open, x: 458, width: page.width - margin - 458, align: 'right' },
  ];
}

function drawTitles(document: PDFKit.PDFDocument, columns: readonly Column[], y: number): number {
  document.font('bold').fontSize(8.5).fillColor(quiet);
  for (const column of columns) document.text(column.title, column.x, y, { width: column.width, align: column.align, lineBreak: false });
  document
    .moveTo(margin, y + 16)
    .lineTo(page.width - margin, y + 16)
    .lineWidth(1.2)
    .strokeColor(ink)
    .stroke();
  return y + 23;
}

function drawItem(document: PDFKit.PDFDocument, input: StatementInput, columns: readonly Column[], item: OpenItem, y: number): void {
  const { words, locale, today } = input.letter;
  const late = daysBetween(item.dueDate, today);
  const number = item.kind === 'balance_forward' ? words.account_balance : oneLine(item.number);
  const cells = [
    { text: number, font: 'bold', color: ink },
    { text: item.issueDate ? shortDate(item.issueDate, locale) : '', font: 'regular', color: ink },
    { text: shortDate(item.dueDate, locale), font: 'regular', color: ink },
    { text: stateText(late, words, locale), font: 'regular', color: late > 0 ? alarm : quiet },
    { text: moneyText(input, item.openMinor), font: 'bold', color: ink },
  ];
  for (const [index, cell] of cells.entries()) {
    const column = columns[index];
    if (!column) continue;
    document.font(cell.font).fontSize(9.5).fillColor(cell.color);
    document.text(fitted(document, cell.text, column.width), column.x, y, { width: column.width, align: column.align, lineBreak: false });
  }
  if (item.purchaseOrder) {
    const reference = `${words.purchase_order}: ${oneLine(item.purchaseOrder)}`;
    document
      .font('regular')
      .fontSize(8)
      .fillColor(quiet)
      .text(fitted(document, reference, 300), margin, y + 13, { lineBreak: false });
  }
  const line = y + (item.purchaseOrder ? 28 : 18);
  document
    .moveTo(margin, line)
    .lineTo(page.width - margin, line)
    .lineWidth(0.5)
    .strokeColor(rule)
    .stroke();
}

function drawTotals(document: PDFKit.PDFDocument, input: StatementInput, from: number): void {
  const { words } = input.letter;
  const { openMinor, balanceMinor } = sums(input);
  const rows = [
    { label: words.total, minor: openMinor, font: 'regular' },
    ...(input.creditMinor > 0n ? [{ label: words.credits, minor: -input.creditMinor, font: 'regular' }] : []),
    { label: words.balance, minor: balanceMinor, font: 'bold' },
  ];
  let y = from;
  for (const row of rows) {
    const last = row.font === 'bold';
    if (last) {
      document
        .moveTo(300, y - 2)
        .lineTo(page.width - margin, y - 2)
        .lineWidth(1.2)
        .strokeColor(ink)
        .stroke();
      y += 4;
    }
    document
      .font(row.font)
      .fontSize(last ? 12 : 9.5)
      .fillColor(last ? ink : quiet);
    document.text(row.label, 300, y, { width: 150, lineBreak: false });
    document
      .fillColor(ink)
      .text(moneyText(input, row.minor), 400, y, { width: page.width - margin - 400, align: 'right', lineBreak: false });
    y += 18;
  }
}

function numberPages(document: PDFKit.PDFDocument, { letter }: StatementInput): void {
  const { start, count } = document.bufferedPageRange();
  for (let index = start; index < start + count; index += 1) {
    document.switchToPage(index);
    const label = letter.words.page
      .replace('##', '\u0000')
      .replace('#', String(index + 1))
      .replace('\u0000', String(count));
    document.font('regular').fontSize(8).fillColor(quiet);
    document.text(
      `${letter.company.name} · ${letter.words.statement} · ${longDate(letter.today, letter.locale)}`,
      margin,
      page.height - 44,
      { lineBreak: false },
    );
    document.text(label, margin, page.height - 44, { width: page.width - 2 * margin, align: 'right', lineBreak: false });
  }
}

function sums({ items, letter, creditMinor }: StatementInput): { openMinor: bigint; overdueMinor: bigint; balanceMinor: bigint } {
  const total = (of: readonly OpenItem[]) => of.reduce((sum, item) => sum + item.openMinor, 0n);
  const openMinor = total(items);
  return {
    openMinor,
    overdueMinor: total(items.filter(item => daysBetween(item.dueDate, letter.today) > 0)),
    balanceMinor: openMinor - creditMinor,
  };
}

function moneyText({ currency, letter }: StatementInput, minor: bigint): string {
  return formatMoney({ minor, currency }, letter.locale);
}

/** Cut with an ellipsis where it would run into the next column. */
function fitted(document: PDFKit.PDFDocument, text: string, width: number): string {
  if (document.widthOfString(text) <= width) return text;
  const letters = Array.from(text);
  while (letters.length > 1 && document.widthOfString(`${letters.join('')}…`) > width) letters.pop();
  return `${letters.join('')}…`;
}
