package office

var (
	OwnZone  = ownZone
	OwnZones = ownZones
)
