package jpeg

import "image"

// convert turns planes of the image's size into pixels.
func (d *decoder) convert(planes [][]uint8) image.Image {
	size := image.Rect(0, 0, d.width, d.height)
	if len(planes) == 1 {
		return &image.Gray{Pix: planes[0], Stride: d.width, Rect: size}
	}
	img := image.NewRGBA(size)
	luminance := d.luminance()
	for i := range planes[0] {
		r, g, b := planes[0][i], planes[1][i], planes[2][i]
		if luminance {
			r, g, b = rgb(r, g, b)
		}
		if len(planes) == 4 {
			r, g, b = d.inked(r, g, b, planes[3][i], luminance)
		}
		copy(img.Pix[4*i:], []uint8{r, g, b, 255})
	}
	return img
}

// luminance reports whether the first three components are Y, Cb and Cr. JFIF
// files have them; those of Adobe's programs tell; others do unless their
// components are named R, G and B. Of four components, they do only if Adobe's
// segment says so.
func (d *decoder) luminance() bool {
	switch {
	case len(d.components) == 4:
		return d.adobe && d.transform != 0
	case d.jfif:
		return true
	case d.adobe:
		return d.transform != 0
	}
	ids := [3]uint8{d.components[0].id, d.components[1].id, d.components[2].id}
	return ids != [3]uint8{'R', 'G', 'B'}
}

// rgb converts from YCbCr (ITU-T T.871, section 7) in fixed point with 16 bits
// behind the point.
func rgb(y, cb, cr uint8) (r, g, b uint8) {
	const (
		half = 1 << 15
		crR  = 91881  // 1.402
		crG  = 46802  // 0.71414
		cbG  = 22554  // 0.34414
		cbB  = 116130 // 1.772
	)
	l, u, v := int(y), int(cb)-128, int(cr)-128
	return clamp(l + (crR*v+half)>>16), clamp(l + (half-cbG*u-crG*v)>>16), clamp(l + (cbB*u+half)>>16)
}

// inked converts from cyan, magenta, yellow and black, or, if the first three
// were YCbCr, from the complement's red, green and blue, and black. Adobe's
// programs store all of them inverted.
func (d *decoder) inked(c, m, y, k uint8, complement bool) (r, g, b uint8) {
	if complement {
		c, m, y = 255-c, 255-m, 255-y
	}
	if !d.adobe {
		c, m, y, k = 255-c, 255-m, 255-y, 255-k
	}
	shade := func(v uint8) uint8 { return uint8((int(v)*int(k) + 127) / 255) }
	return shade(c), shade(m), shade(y)
}
