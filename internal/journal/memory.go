package journal

// dropLocked makes room in memory: the oldest events of the lowest rank become
// Gaps until an eighth of the queue is free, and neighbouring Gaps become one.
// What is being written stays. If too little can go, it tries again when the
// queue has grown by another eighth.
func (l *Log) dropLocked() {
	limit := l.o.QueueRows
	highest := detail
	switch n := len(l.pending); {
	case n >= 4*limit:
		highest = lasting
	case n >= 2*limit:
		highest = ordinary
	}
	free := max(limit/8, 1)
	dropped := 0
	for r := detail; r <= highest && dropped < free; r++ {
		for _, it := range l.pending[l.taken:] {
			if dropped == free {
				break
			}
			if it.result == nil && rankOf(it.ev.Payload) == r {
				it.refuse(GapMemory)
				dropped++
			}
		}
	}
	if dropped > 0 {
		l.mergeLocked()
		l.o.Log.Warn("journal dropped events: the disk does not take them", "dropped", dropped, "waiting", len(l.pending))
	}
	l.dropAt = max(limit, len(l.pending)+free)
}

func rankOf(p Payload) rank {
	info, ok := kinds[p.JournalKind()]
	if !ok {
		return lasting // a kind of a caller's own: nothing is known about it
	}
	return info.rank
}

// mergeLocked joins neighbouring Gaps of one reason.
func (l *Log) mergeLocked() {
	out := l.pending[:l.taken]
	for _, it := range l.pending[l.taken:] {
		g, isGap := it.ev.Payload.(Gap)
		if isGap && len(out) > l.taken {
			before := out[len(out)-1]
			if b, ok := before.ev.Payload.(Gap); ok && b.Reason == g.Reason {
				for k, n := range b.Kinds {
					g.Kinds[k] += n
				}
				g.From = b.From
				it.ev.Payload = g
				out[len(out)-1] = it
				continue
			}
		}
		out = append(out, it)
	}
	for i := len(out); i < len(l.pending); i++ {
		l.pending[i] = nil
	}
	l.pending = out
}
