"""The door to charging stations: OCPP over WebSocket."""
