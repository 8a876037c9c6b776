// What tests measure inside of a page: where text stands, what it stands on, what can be seen. Returns plain values only.
(() => {
  const seen = (node) => node.checkVisibility({ contentVisibilityAuto: false, opacityProperty: true, visibilityProperty: true });
  const words = (node) => node.textContent.replace(/\s+/g, " ").trim();
  const pictures = () => [...document.querySelectorAll("svg")].filter((svg) => seen(svg) && svg.getBoundingClientRect().width > 60);

  // The corners of a text on the screen as it is turned; a line's box is cut to where its letters are.
  const corners = (text) => {
    const box = text.getBBox(), matrix = text.getScreenCTM();
    const top = box.y + 0.15 * box.height, bottom = box.y + 0.95 * box.height;
    return [[box.x, top], [box.x + box.width, top], [box.x + box.width, bottom], [box.x, bottom]]
      .map(([x, y]) => new DOMPoint(x, y).matrixTransform(matrix)).map((point) => [point.x, point.y]);
  };
  const sides = (shape) => shape.slice(0, 2).map((point, index) => {
    const next = shape[index + 1], length = Math.hypot(next[0] - point[0], next[1] - point[1]) || 1;
    return [(next[0] - point[0]) / length, (next[1] - point[1]) / length];
  });
  // How deep two rectangles, each turned as it likes, reach into each other: the least over the axes of either; negative where apart.
  const depth = (one, other) => Math.min(...[...sides(one), ...sides(other)].map(([x, y]) => {
    const along = (shape) => shape.map((point) => point[0] * x + point[1] * y);
    const [first, second] = [along(one), along(other)];
    return Math.min(Math.max(...first), Math.max(...second)) - Math.max(Math.min(...first), Math.min(...second));
  }));
  const labels = (svg) => [...svg.querySelectorAll("text")].filter((text) => words(text) && seen(text))
    .map((text) => ({ text, said: words(text).slice(0, 60), shape: corners(text) }));

  const overlaps = (most) => pictures().flatMap((svg) => {
    const all = labels(svg), found = [];
    all.forEach((one, index) => all.slice(index + 1).forEach((other) => {
      const reach = depth(one.shape, other.shape);
      if (reach > most) found.push(`${one.said} | ${other.said} | ${reach.toFixed(1)} px`);
    }));
    return found;
  });

  const cut = (most) => pictures().flatMap((svg) => {
    const edge = svg.getBoundingClientRect();
    return labels(svg).filter(({ shape }) => shape.some(([x, y]) =>
      x < edge.left - most || x > edge.right + most || y < edge.top - most || y > edge.bottom + most)).map(({ said }) => said);
  });

  const covered = (least) => pictures().flatMap((svg) => labels(svg).flatMap(({ said, shape }) => {
    const marks = [...svg.querySelectorAll("use")].filter((use) => use.closest(".mark") && seen(use)).map((use) => {
      const box = use.getBoundingClientRect();
      return [[box.left, box.top], [box.right, box.top], [box.right, box.bottom], [box.left, box.bottom]];
    });
    return marks.some((mark) => depth(shape, mark) > least) ? [said] : [];
  }));

  const rgba = (color) => {
    const found = (color.match(/[\d.]+/g) || []).map(Number);
    return /^rgba?\(/.test(color) && found.length >= 3 ? [...found.slice(0, 3), found.length > 3 ? found[3] : 1] : null;
  };
  const over = (top, ground) => [0, 1, 2].map((index) => top[index] * top[3] + ground[index] * (1 - top[3]));
  const luminance = (color) => color.slice(0, 3).map((value) => value / 255)
    .map((value) => (value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4))
    .reduce((sum, value, index) => sum + value * [0.2126, 0.7152, 0.0722][index], 0);
  const ratio = (one, other) => {
    const [low, high] = [luminance(one), luminance(other)].sort((first, second) => first - second);
    return (high + 0.05) / (low + 0.05);
  };
  const canvas = () => (matchMedia("(prefers-color-scheme: dark)").matches && /dark/.test(getComputedStyle(document.documentElement).colorScheme)
    ? [18, 18, 18] : [255, 255, 255]);
  const ground = (node) => {
    const layers = [];
    for (let at = node; at; at = at.parentElement) {
      const color = rgba(getComputedStyle(at).backgroundColor);
      if (color && color[3] > 0) layers.push(color);
      if (color && color[3] === 1) break;
    }
    return layers.reverse().reduce((under, color) => over(color, under), canvas());
  };
  // What lies under the middle of a picture's text: the page's ground, and over it every filled shape that was drawn before the text.
  const under = (text, shape, shapes) => {
    const middle = [0, 1].map((axis) => shape.reduce((sum, point) => sum + point[axis], 0) / 4);
    let color = ground(text.closest("svg"));
    for (const { node, fill, inverse } of shapes) {
      if (!(node.compareDocumentPosition(text) & Node.DOCUMENT_POSITION_FOLLOWING)) break;
      const at = new DOMPoint(middle[0], middle[1]).matrixTransform(inverse);
      if (node.isPointInFill(at)) color = over(fill, color);
    }
    return color;
  };
  const filled = (svg) => [...svg.querySelectorAll("path,rect")].filter((node) => !node.closest("defs,clipPath")).flatMap((node) => {
    const style = getComputedStyle(node), fill = rgba(style.fill), matrix = node.getScreenCTM();
    if (!fill || !matrix) return [];
    fill[3] *= Number(style.fillOpacity) * Number(style.opacity);
    return fill[3] > 0 ? [{ node, fill, inverse: matrix.inverse() }] : [];
  });
  const faint = (least) => pictures().flatMap((svg) => {
    const shapes = filled(svg);
    return labels(svg).flatMap(({ text, said, shape }) => {
      const style = getComputedStyle(text), fill = rgba(style.fill) || [0, 0, 0, 1];
      fill[3] *= Number(style.fillOpacity) * Number(style.opacity);
      const lying = under(text, shape, shapes), found = ratio(over(fill, lying), lying);
      return found < least ? [`${said}: ${found.toFixed(2)} : 1`] : [];
    });
  });

  // Nodes of text that are shown outside of pictures.
  const texts = () => {
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT), found = [];
    while (walker.nextNode()) {
      const parent = walker.currentNode.parentElement;
      if (walker.currentNode.data.trim() && !parent.closest("svg,script,style,noscript,template")) found.push([walker.currentNode, parent]);
    }
    return found;
  };
  const pale = (least) => texts().filter(([, parent]) => seen(parent)).flatMap(([node, parent]) => {
    const lying = ground(parent), color = rgba(getComputedStyle(parent).color);
    const found = color ? ratio(over(color, lying), lying) : 0;
    return found < least ? [`${node.data.trim().slice(0, 60)}: ${found.toFixed(2)} : 1`] : [];
  });
  const hidden = () => texts().filter(([, parent]) => !seen(parent) && !parent.closest("[role=tooltip],button"))
    .map(([node]) => node.data.trim().slice(0, 60));

  // Boxes that a reader cannot scroll and whose text does not fit in.
  const clipped = () => [...document.body.querySelectorAll("*")].filter((node) => !node.closest("svg") && seen(node)).filter((node) => {
    const style = getComputedStyle(node);
    return (style.overflowX === "hidden" || style.overflowX === "clip") && node.scrollWidth > node.clientWidth + 1 && node.clientWidth > 2;
  }).map((node) => `${node.tagName} ${node.className} ${words(node).slice(0, 40)}`);

  // A point of the screen at which a mark is the topmost thing, or null.
  const spot = (mark) => {
    const box = mark.getBoundingClientRect(), tries = [[box.left + box.width / 2, box.top + box.height / 2]];
    const path = mark.matches("path") ? mark : null;
    if (path && getComputedStyle(path).stroke === "none" && Math.min(box.width, box.height) < 1) return null; // a bar of nothing
    if (path && path.getTotalLength && path.getTotalLength() > 0) {
      const matrix = path.getScreenCTM();
      for (const part of [0.5, 0.3, 0.7, 0.15, 0.85, 0.05, 0.95]) {
        const at = path.getPointAtLength(part * path.getTotalLength());
        const point = new DOMPoint(at.x, at.y).matrixTransform(matrix);
        tries.push([point.x, point.y]);
      }
    }
    for (const [x, y] of tries) {
      const top = document.elementFromPoint(x, y);
      if (top && (top === mark || mark.contains(top))) return [x, y];
    }
    return null;
  };
  const marks = () => pictures().flatMap((svg) => [...svg.querySelectorAll(".mark")]);
  const told = (mark) => { const title = mark.querySelector(":scope > title"); return title ? title.textContent : mark.dataset.tip || ""; };

  window.measure = { pictures, overlaps, cut, covered, faint, pale, hidden, clipped, spot, marks, told, seen, words, texts, ground, luminance };
})();
