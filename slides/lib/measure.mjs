// Looks at a slide as it is drawn. These functions run inside the page, so each is
// complete in itself, and returns complaints in units of the slide (1280 x 720).

/** What is wrong with the slide as it is now, at this step. */
export function measure() {
  const slide = Reveal.getCurrentSlide().querySelector('.slide');
  const frame = slide.getBoundingClientRect();
  const scale = frame.width / 1280;
  const complaints = [];
  const visible = (element) => element.checkVisibility({ opacityProperty: true, visibilityProperty: true });
  const box = (rect) => ({
    left: (rect.left - frame.left) / scale, right: (rect.right - frame.left) / scale,
    top: (rect.top - frame.top) / scale, bottom: (rect.bottom - frame.top) / scale,
  });
  const boxOf = (element) => box(element.getBoundingClientRect());
  const inside = (inner, outer, slack) => inner.left >= outer.left - slack && inner.right <= outer.right + slack
    && inner.top >= outer.top - slack && inner.bottom <= outer.bottom + slack;
  const show = ({ left, top, right, bottom }) => `(x ${Math.round(left)} to ${Math.round(right)}, y ${Math.round(top)} to ${Math.round(bottom)})`;

  // Every piece of text, line by line.
  const words = [];
  const texts = [];
  const walker = document.createTreeWalker(slide, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const node = walker.currentNode;
    const element = node.parentElement;
    if (!node.data.trim() || !visible(element)) continue;
    const range = document.createRange();
    range.selectNodeContents(node);
    const drawing = element.closest('svg');
    const text = node.data.trim().slice(0, 60);
    const size = parseFloat(getComputedStyle(element).fontSize) * (drawing ? element.getScreenCTM().a / scale : 1);
    if (size < 17.9) complaints.push(`"${text}" is drawn at ${size.toFixed(1)} px, less than 18`);
    if (!element.closest('figure, footer, .number')) words.push(...node.data.trim().split(/\s+/));
    const owner = element.closest('pre, text, figcaption, p, li, td, th, h1, h2, h3, footer, div');
    const lines = drawing ? [boxOf(element.closest('text'))] : [...range.getClientRects()].filter((rect) => rect.width > 0).map(box);
    for (const line of lines) {
      // Letters fill less than their line: the rest may touch.
      const height = line.bottom - line.top;
      texts.push({ text, owner, drawing, ...line, top: line.top + height * 0.16, bottom: line.bottom - height * 0.16 });
    }
    const panel = element.closest('figure.code, figure.xray pre');
    if (panel && lines.some((line) => !inside(line, boxOf(panel), -16))) complaints.push(`code runs over the edge of its panel: "${text}"`);
  }
  const paper = { left: 20, top: 16, right: 1260, bottom: 712 };
  for (const each of texts) {
    if (!inside(each, paper, 0)) complaints.push(`text leaves the slide: "${each.text}" ${show(each)}`);
  }
  for (const [index, one] of texts.entries()) {
    for (const other of texts.slice(index + 1)) {
      const width = Math.min(one.right, other.right) - Math.max(one.left, other.left);
      const height = Math.min(one.bottom, other.bottom) - Math.max(one.top, other.top);
      if (one.owner !== other.owner && width > 3 && height > 2) complaints.push(`"${one.text}" and "${other.text}" are drawn over each other`);
    }
  }
  if (words.length > 45) complaints.push(`${words.length} words at once; more than 45 nobody reads while listening`);

  // Every block stays above the footer, and nothing is cut off.
  const body = slide.querySelector('.body');
  for (const element of [body, ...body.querySelectorAll('*')]) {
    if (element.matches('svg *, pre *')) continue;
    if (!visible(element)) continue;
    const name = `${element.tagName.toLowerCase()}${element.className && typeof element.className === 'string' ? `.${element.className.trim().replaceAll(/\s+/g, '.')}` : ''}`;
    const area = boxOf(element);
    if (area.right > area.left && !inside(area, { left: 20, top: 16, right: 1260, bottom: 664 }, 1)) complaints.push(`<${name}> leaves the slide or reaches into its footer ${show(area)}`);
    const style = getComputedStyle(element);
    const cuts = style.overflowX !== 'visible' || style.overflowY !== 'visible';
    if (cuts && element.tagName !== 'svg' && (element.scrollWidth > element.clientWidth + 1 || element.scrollHeight > element.clientHeight + 1)) complaints.push(`<${name}> cuts off what is in it`);
  }

  // Pictures.
  for (const drawing of slide.querySelectorAll('svg')) {
    const area = boxOf(drawing);
    if (area.bottom - area.top < 40) complaints.push('no room is left for the picture');
    const shapes = [...drawing.querySelectorAll('rect, path, line, circle, ellipse, polyline, polygon, text')].filter((shape) => !shape.closest('defs') && visible(shape));
    const labels = texts.filter((each) => each.drawing === drawing);
    for (const shape of shapes) {
      const edge = boxOf(shape);
      if (!inside(edge, area, 3)) complaints.push(`<${shape.tagName}> "${shape.textContent.trim()}" leaves the picture ${show(edge)}`);
      if (shape.matches('rect.box')) {
        for (const label of labels) {
          const apart = label.right <= edge.left || label.left >= edge.right || label.bottom <= edge.top || label.top >= edge.bottom;
          if (!apart && !inside(label, edge, -3)) complaints.push(`"${label.text}" crosses the border of a box ${show(edge)}`);
        }
      }
      if (shape.matches('.line')) {
        const matrix = shape.getScreenCTM();
        const length = shape.getTotalLength();
        for (let at = 0; at <= length; at += 5) {
          const point = shape.getPointAtLength(at).matrixTransform(matrix);
          const x = (point.x - frame.left) / scale;
          const y = (point.y - frame.top) / scale;
          // What is drawn later covers it.
          const covered = shapes.some((later) => later.matches('rect.box:not(.dashed)') && shape.compareDocumentPosition(later) & Node.DOCUMENT_POSITION_FOLLOWING
            && inside({ left: x, right: x, top: y, bottom: y }, boxOf(later), 0));
          const label = !covered && labels.find((each) => x > each.left && x < each.right && y > each.top && y < each.bottom);
          if (label) { complaints.push(`a line runs through "${label.text}"`); break; }
        }
      }
    }
  }
  return [...new Set(complaints)];
}

/** Text that stands out too little from what is behind it (WCAG asks for 4.5, large text 3). */
export function contrast(root) {
  const canvas = document.createElement('canvas').getContext('2d', { willReadFrequently: true });
  const channels = (colour) => {
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = colour;
    canvas.fillRect(0, 0, 1, 1);
    return canvas.getImageData(0, 0, 1, 1).data;
  };
  const light = (colour) => {
    const [r, g, b] = [...channels(colour)].map((value) => (value / 255 <= 0.03928 ? value / 255 / 12.92 : ((value / 255 + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = (element) => {
    for (let each = element; each; each = each.parentElement) {
      const colour = getComputedStyle(each).backgroundColor;
      if (channels(colour)[3] > 250) return colour;
    }
    return getComputedStyle(document.documentElement).getPropertyValue('--paper');
  };
  const seen = new Map();
  for (const element of (root ? document.querySelector(root) : document).querySelectorAll('.slide *')) {
    if (![...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim())) continue;
    if (element.matches('.on-accent')) continue; // its background is a shape; the pair of colours is the theme's
    const style = getComputedStyle(element);
    const [front, back] = [element.closest('svg') ? style.fill : style.color, behind(element)];
    if (seen.has(front + back)) continue;
    const [low, high] = [light(front), light(back)].sort((a, b) => a - b);
    seen.set(front + back, (high + 0.05) / (low + 0.05) < 4.5 ? `"${element.textContent.trim().slice(0, 40)}": ${front} on ${back}` : undefined);
  }
  return [...seen.values()].filter(Boolean);
}
