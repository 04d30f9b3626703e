"""What an archived item says about itself: described, dated, attributed."""
