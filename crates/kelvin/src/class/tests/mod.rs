mod journeys;
mod leaving;
mod members;
mod partial;
mod property;
mod renames;
mod stage;
