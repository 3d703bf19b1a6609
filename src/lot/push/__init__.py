"""Web Push: notices that reach a browser while no page of Lot is open in it."""
